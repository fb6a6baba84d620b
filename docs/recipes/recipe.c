/*
 * A TCP connection from a slice, in C. Build: cc -o recipe recipe.c
 * Run: recipe /run/softunicast/control.sock POOL ADDRESS PORT
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51 /* Linux 6.3 */
#endif

struct slice {
	struct in_addr address;
	unsigned int first, last;
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* Asks the daemon for a lease, which ends with this process. Returns how many slices it has. */
static int lease(const char *path, const char *pool, struct slice *slices, int most)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), count = 0;
	char line[4096], address[64];
	FILE *daemon;

	snprintf(name.sun_path, sizeof(name.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		fail(path);
	daemon = fdopen(fd, "r");
	if (!daemon || !fgets(line, sizeof(line), daemon) || strncmp(line, "0001 ", 5) != 0)
		fail("greeting");
	dprintf(fd, "lease pool %s\n", pool);

	/* Lines are "NNNN-text", then " text" while the code stays; the last is "NNNN text". */
	while (fgets(line, sizeof(line), daemon)) {
		const char *text = line[0] == ' ' ? line + 1 : line + 5;

		if (line[0] != ' ' && line[4] == ' ') {
			if (strncmp(line, "0000", 4) == 0)
				break;
			fprintf(stderr, "%s: %s", pool, text);
			exit(1);
		}
		if (count < most && sscanf(text, "slice %63[0-9.]:%u-%u", address, &slices[count].first, &slices[count].last) == 3 &&
		    inet_pton(AF_INET, address, &slices[count].address) == 1)
			count++;
	}
	fclose(daemon);
	return count;
}

/* Connects from the slice: each option in this order. */
static int connect_from(const struct slice *slice, const struct sockaddr_in *remote)
{
	struct sockaddr_in local = { .sin_family = AF_INET, .sin_addr = slice->address };
	uint32_t range = slice->last << 16 | slice->first;
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(local);

	/* The port is chosen by connect, which knows the destination; bind would keep it from all others. */
	if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) < 0)
		fail("IP_BIND_ADDRESS_NO_PORT");
	if (setsockopt(fd, IPPROTO_IP, IP_LOCAL_PORT_RANGE, &range, sizeof(range)) < 0)
		fail("IP_LOCAL_PORT_RANGE (Linux 6.3)");
	if (bind(fd, (struct sockaddr *)&local, sizeof(local)) < 0)
		fail("bind");
	if (connect(fd, (const struct sockaddr *)remote, sizeof(*remote)) < 0) {
		int reason = errno;

		close(fd);
		errno = reason;
		return -1;
	}

	/* A slice outside net.ipv4.ip_local_port_range is ignored without a word. */
	getsockname(fd, (struct sockaddr *)&local, &length);
	if (ntohs(local.sin_port) < slice->first || ntohs(local.sin_port) > slice->last) {
		fprintf(stderr, "port %u is outside the slice: see net.ipv4.ip_local_port_range\n", ntohs(local.sin_port));
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct sockaddr_in remote = { .sin_family = AF_INET }, local;
	socklen_t length = sizeof(local);
	struct slice slices[64];
	int count, fd = -1;

	if (argc != 5 || inet_pton(AF_INET, argv[3], &remote.sin_addr) != 1) {
		fprintf(stderr, "usage: recipe SOCKET POOL ADDRESS PORT\n");
		return 2;
	}
	remote.sin_port = htons((uint16_t)atoi(argv[4]));

	count = lease(argv[1], argv[2], slices, 64);
	errno = EADDRNOTAVAIL;
	/* EADDRNOTAVAIL: this slice is full towards this destination. The next one may not be. */
	for (int i = 0; i < count && fd < 0 && errno == EADDRNOTAVAIL; i++)
		fd = connect_from(&slices[i], &remote);
	if (fd < 0)
		fail(argv[3]);

	getsockname(fd, (struct sockaddr *)&local, &length);
	printf("%s:%u\n", inet_ntoa(local.sin_addr), ntohs(local.sin_port));
	close(fd);
	return 0;
}
