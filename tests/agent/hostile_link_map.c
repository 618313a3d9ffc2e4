// Spoils its own link map in the way that the argument says, then prints "tick" for ever.

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct r_debug *find_debug(void) {
    for (ElfW(Dyn) *entry = _DYNAMIC; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_DEBUG) {
            return (struct r_debug *)entry->d_un.d_ptr;
        }
    }
    return NULL;
}

int main(int argc, char **argv) {
    struct r_debug *debug = find_debug();
    struct link_map *first = debug->r_map;
    const char *how = argc > 1 ? argv[1] : "";
    static char endless[1 << 16];
    if (strcmp(how, "cycle") == 0) {
        first->l_next->l_next = first;
    } else if (strcmp(how, "wild-next") == 0) {
        first->l_next->l_next = (struct link_map *)0xdeadbeefdeadbeef;
    } else if (strcmp(how, "wild-name") == 0) {
        first->l_next->l_name = (char *)8;
    } else if (strcmp(how, "endless-name") == 0) {
        memset(endless, 'a', sizeof endless);
        first->l_next->l_name = endless;
    } else if (strcmp(how, "long-list") == 0) {
        static struct link_map many[10000];
        for (int i = 0; i < 9999; i++) {
            many[i].l_name = "/lib/x.so";
            many[i].l_next = &many[i + 1];
        }
        first->l_next = many;
    } else if (strcmp(how, "wild-map") == 0) {
        debug->r_map = (struct link_map *)1;
    } else if (strcmp(how, "escape") == 0) {
        first->l_next->l_name = "/../../../../../../tmp/dapbridge-escaped.so";
    }
    for (;;) {
        puts("tick");
        fflush(stdout);
        usleep(20000);
    }
}
