// Prints "tick N" every 20 ms beside seven busy threads; `seldom` runs only when SIGUSR1 has asked for it.

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t wanted;

static void sleep_ms(long ms) {
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static void want(int number) {
    wanted = number;
}

__attribute__((noinline)) static long often(long n) {
    return n * 3 + 1;
}

__attribute__((noinline)) static long seldom(long n) {
    return n * 7 + 1;
}

// For a debugger to call.
__attribute__((noinline, used)) static int call(void) {
    puts("called");
    return pause();
}

static void *work(void *argument) {
    (void)argument;
    for (long n = 0;; n++) {
        often(n);
        sleep_ms(1);
    }
    return NULL;
}

int main(void) {
    struct sigaction action = {.sa_handler = want, .sa_flags = SA_RESTART};
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < 7; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, work, NULL);
    }
    for (long n = 0;; n++) {
        if (wanted) {
            wanted = 0;
            printf("seldom %ld\n", seldom(n));
        }
        printf("tick %ld\n", often(n));
        sleep_ms(20);
    }
}
