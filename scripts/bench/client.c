/*
 * A load client as git's is: it blocks. Each request is a connection of its own, half-closed after the request and
 * read to its end.
 *
 *   client load SOCKET REQUEST EXPECTED CLIENTS REQUESTS    so many threads, so many requests together
 *   client burst SOCKET REQUEST EXPECTED CONNECTIONS        all connected first, then asked, then read
 *   client retry SOCKET REQUEST EXPECTED                    one request, tried until the socket accepts
 *   client fill ROUNDS REQUEST EXPECTED CONFIGURATION...    `git credential fill` with each configuration in turns
 *
 * REQUEST is a file. An answer counts if it holds the text EXPECTED. Prints one line of JSON: milliseconds.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_un address = {.sun_family = AF_UNIX};
static char request[65536];
static size_t request_length;
static const char *expected;

static long requests, next_request, refused, failed;
static double *took;

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static int connect_once(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int send_request(int fd)
{
	size_t sent = 0;
	while (sent < request_length) {
		ssize_t more = send(fd, request + sent, request_length - sent, MSG_NOSIGNAL);
		if (more < 0)
			return -1;
		sent += more;
	}
	return shutdown(fd, SHUT_WR);
}

static int read_answer(int fd)
{
	char answer[16384];
	size_t length = 0;
	for (;;) {
		ssize_t more = read(fd, answer + length, sizeof(answer) - 1 - length);
		if (more < 0)
			return -1;
		if (more == 0)
			break;
		length += more;
	}
	answer[length] = 0;
	return strstr(answer, expected) ? 0 : -1;
}

static void *ask_again_and_again(void *unused)
{
	for (;;) {
		long at = __atomic_fetch_add(&next_request, 1, __ATOMIC_RELAXED);
		if (at >= requests)
			return unused;
		double start = now();
		int fd = connect_once();
		if (fd < 0) {
			__atomic_fetch_add(&refused, 1, __ATOMIC_RELAXED);
			took[at] = now() - start;
			continue;
		}
		if (send_request(fd) || read_answer(fd))
			__atomic_fetch_add(&failed, 1, __ATOMIC_RELAXED);
		close(fd);
		took[at] = now() - start;
	}
}

static int ascending(const void *one, const void *other)
{
	double difference = *(const double *)one - *(const double *)other;
	return (difference > 0) - (difference < 0);
}

static void print_result(double milliseconds)
{
	qsort(took, requests, sizeof(*took), ascending);
	printf("{\"requests\":%ld,\"refused\":%ld,\"failed\":%ld,\"milliseconds\":%.3f,"
	       "\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}\n",
	       requests, refused, failed, milliseconds, took[requests / 2], took[requests * 99 / 100],
	       took[requests - 1]);
}

static void load(int clients)
{
	pthread_t *threads = calloc(clients, sizeof(*threads));
	pthread_attr_t small;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 128 * 1024);
	double start = now();
	for (int at = 0; at < clients; at++)
		if (pthread_create(&threads[at], &small, ask_again_and_again, NULL)) {
			perror("pthread_create");
			exit(1);
		}
	for (int at = 0; at < clients; at++)
		pthread_join(threads[at], NULL);
	print_result(now() - start);
}

static void burst(void)
{
	int *fds = calloc(requests, sizeof(*fds));
	double start = now();
	for (long at = 0; at < requests; at++) {
		fds[at] = connect_once();
		refused += fds[at] < 0;
	}
	for (long at = 0; at < requests; at++)
		if (fds[at] >= 0 && send_request(fds[at])) {
			failed++;
			close(fds[at]);
			fds[at] = -1;
		}
	for (long at = 0; at < requests; at++) {
		if (fds[at] >= 0) {
			failed += read_answer(fds[at]) != 0;
			close(fds[at]);
		}
		took[at] = now() - start;
	}
	print_result(now() - start);
}

static void retry(void)
{
	double start = now();
	for (;;) {
		int fd = connect_once();
		if (fd >= 0) {
			failed = send_request(fd) || read_answer(fd);
			close(fd);
			break;
		}
		if (now() - start > 20000) {
			refused = 1;
			break;
		}
		usleep(500);
	}
	took[0] = now() - start;
	print_result(took[0]);
}

/* In milliseconds, from the start of git to its end; negative if it gave no credential. */
static double fill_once(const char *request_file, const char *configuration)
{
	int out[2], status;
	pid_t pid;
	char *arguments[] = {"git", "credential", "fill", NULL};
	setenv("GIT_CONFIG_GLOBAL", configuration, 1);
	if (pipe2(out, O_CLOEXEC))
		return -1;
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, request_file, O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	double start = now();
	int error = posix_spawnp(&pid, "git", &actions, NULL, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	int missing = error || read_answer(out[0]);
	close(out[0]);
	if (error || waitpid(pid, &status, 0) < 0 || missing || status)
		return -1;
	return now() - start;
}

static int fill(int rounds, const char *request_file, int count, char **configurations)
{
	double *all = calloc((size_t)rounds * count, sizeof(*all));
	for (int round = 0; round < rounds; round++)
		for (int at = 0; at < count; at++) {
			all[at * rounds + round] = fill_once(request_file, configurations[at]);
			if (all[at * rounds + round] < 0) {
				fprintf(stderr, "no credential with %s\n", configurations[at]);
				return 1;
			}
		}
	for (int at = 0; at < count; at++)
		for (int round = 0; round < rounds; round++)
			printf("%s%.4f%s", round ? "," : at ? ",[" : "[[", all[at * rounds + round],
			       round + 1 < rounds ? "" : "]");
	printf("]\n");
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 4 ? argv[1] : "";
	int is_load = !strcmp(mode, "load") && argc == 7, is_burst = !strcmp(mode, "burst") && argc == 6;
	int is_fill = !strcmp(mode, "fill") && argc > 5;
	if (!is_load && !is_burst && !is_fill && strcmp(mode, "retry")) {
		fprintf(stderr, "usage: client load|burst|retry|fill SOCKET REQUEST EXPECTED [CLIENTS] [REQUESTS]\n");
		return 2;
	}
	expected = argv[4];
	if (is_fill)
		return fill(atoi(argv[2]), argv[3], argc - 5, argv + 5);
	if (strlen(argv[2]) >= sizeof(address.sun_path)) {
		fprintf(stderr, "the path of the socket is too long\n");
		return 2;
	}
	strcpy(address.sun_path, argv[2]);
	FILE *file = fopen(argv[3], "rb");
	if (!file || !(request_length = fread(request, 1, sizeof(request), file))) {
		fprintf(stderr, "no request\n");
		return 2;
	}
	fclose(file);
	requests = is_load ? atol(argv[6]) : is_burst ? atol(argv[5]) : 1;
	if (requests < 1 || !(took = calloc(requests, sizeof(*took))))
		return 2;
	struct rlimit files;
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (is_load)
		load(atoi(argv[5]));
	else if (is_burst)
		burst();
	else
		retry();
	return 0;
}
