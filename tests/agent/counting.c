// Counts the real-time signals that it gets, each of which is queued; prints "tick SIGNALS" every 20 ms.

#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <time.h>

static volatile sig_atomic_t count;

static void note(int number) {
    count += number == SIGRTMIN;
}

int main(void) {
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigaction(SIGRTMIN, &action, NULL);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (;;) {
        struct timespec pause = {0, 20000000};
        while (nanosleep(&pause, &pause) != 0) {
        }
        printf("tick %d\n", (int)count);
    }
}
