// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Chooses the source of what the programs of an enrolled cgroup open: an address and a port of one of its slices. Attached
 * once, at the root of cgroup2; a cgroup without a policy, and above it none with one, goes untouched.
 *
 * A port may serve many destinations at once, but one destination once: so a port is looked for that has no socket with
 * this 4-tuple. It is looked for from a random place in a random odd stride (RFC 6056 3.3.1 asks for the first; the second
 * keeps a filled slice from being walked along its filled runs), slice by slice from a random one on.
 *
 *   connect(2), TCP and UDP       SO_REUSEADDR, then bind to the port that was found
 *   sendto(2), UDP unconnected    has a port by then, that nobody can change: NAT, or refused
 *   bind(2)                       remembered: a socket that its program has bound is let go
 *
 * Between the look and the moment in which the kernel has the socket in its tables lies a gap, in which another thread
 * could find the same port. So the one that found it claims it first, for a while (su_claims).
 *
 * Needs Linux 6.1: bpf_loop is of 5.17, bpf_set_retval of 5.18, SO_REUSEADDR in bpf_setsockopt of 6.1.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1
#define SOCK_DGRAM 2
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define SOL_SOCKET 1
#define SO_REUSEADDR 2
#define EADDRINUSE 98
#define EADDRNOTAVAIL 99
#define PASS 1
#define REFUSE 0
#define CLAIMS 65536
#define CLAIM_MS 16 /* from the choice to the socket being in the kernel's tables, at most */
#define MAX_PROBES (2 * SU_CHOOSER_SLICES * 32768u)

struct sockaddr_in {
	__u16 sin_family;
	__be16 sin_port;
	__be32 sin_addr;
	__u8 sin_zero[8];
};

struct sockaddr_in6 {
	__u16 sin6_family;
	__be16 sin6_port;
	__be32 sin6_flowinfo;
	__be32 sin6_addr[4];
	__u32 sin6_scope_id;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SU_CHOOSERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct su_chooser);
} su_choosers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, SU_CHOOSERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct su_choice_counters);
} su_choice_counters SEC(".maps");

/* The sockets that their programs have bound: an unbound one has a port too, once it sends. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} su_bound_sockets SEC(".maps");

/*
 * Claimed 4-tuples, at their hash: | 26 bits more of the hash | thread, 22 bits | time in ms, 16 bits |. Another one at the
 * same place takes it over. What a thread has claimed before is in the tables, or closed, once it claims again.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLAIMS);
	__type(key, __u32);
	__type(value, __u64);
} su_claims SEC(".maps");

/* The policy of the program's cgroup, or of the nearest above it that has one. */
static __always_inline const struct su_chooser *find_chooser(__u64 *cgroup)
{
	const struct su_chooser *nearest, *chooser;
	__u64 id = bpf_get_current_cgroup_id();
	int level;

	*cgroup = id;
	nearest = bpf_map_lookup_elem(&su_choosers, &id);
	if (nearest)
		return nearest;
	for (level = 1; level <= SU_CHOOSER_LEVELS; level++) {
		id = bpf_get_current_ancestor_cgroup_id(level);
		if (!id)
			break;
		chooser = bpf_map_lookup_elem(&su_choosers, &id);
		if (chooser) {
			nearest = chooser;
			*cgroup = id;
		}
	}
	return nearest;
}

static __always_inline void count(__u64 cgroup, enum su_choice choice, __u64 times)
{
	struct su_choice_counters *counters = bpf_map_lookup_elem(&su_choice_counters, &cgroup);

	if (counters)
		counters->by_choice[choice] += times;
}

/* Is it far enough away to be sent from a slice? Not this host, this link, this network, or many. */
static __always_inline int is_remote(__be32 address_be)
{
	__u32 address = bpf_ntohl(address_be);

	return (address >> 24) != 0 && (address >> 24) != 127 && (address >> 16) != 0xa9fe &&
	       (address >> 28) < 0xe;
}

/* The IPv4 address in ::ffff:a.b.c.d; 0 if it is a real IPv6 address. */
static __always_inline __be32 mapped_address(struct bpf_sock_addr *ctx)
{
	if (ctx->user_ip6[0] || ctx->user_ip6[1] || ctx->user_ip6[2] != bpf_htonl(0xffff))
		return 0;
	return ctx->user_ip6[3];
}

/* A search for a port, over all slices. */
struct search {
	struct bpf_sock_addr *ctx;
	const struct su_chooser *chooser;
	__be32 destination_be;
	__be16 port_be;
	__u8 is_tcp;
	__u8 is_inet6;
	__u32 slice;	    /* index of the one that is searched */
	__u32 slices_left;  /* with it */
	__u32 ports_left;   /* in it */
	__u32 offset;	    /* the next port in it */
	__u32 stride;
	struct su_chooser_slice in;
	__u32 probes;
	__u32 moves; /* to a next slice; as probes, compared nowhere, or the verifier would follow every number of them */
	__u8 takes_time_wait; /* second round */
	__u8 saw_time_wait;
	__u8 is_done;
	__u8 pad;
	int error;
};

enum tuple_state {
	TUPLE_FREE,
	TUPLE_TIME_WAIT,
	TUPLE_TAKEN,
};

/* As of a packet that arrives: source is the far end. */
static __always_inline struct bpf_sock_tuple tuple_of(const struct search *search, __u16 port)
{
	return (struct bpf_sock_tuple){
		.ipv4 = {
			.saddr = search->destination_be,
			.daddr = search->in.address_be,
			.sport = search->port_be,
			.dport = bpf_htons(port),
		},
	};
}

/* Whether a socket has this 4-tuple. */
static __always_inline enum tuple_state find_tcp(const struct search *search, __u16 port)
{
	struct bpf_sock_tuple tuple = tuple_of(search, port);
	struct bpf_sock *sk;
	__u32 state;

	sk = bpf_skc_lookup_tcp(search->ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return TUPLE_FREE;
	state = sk->state;
	bpf_sk_release(sk);
	if (state == BPF_TCP_LISTEN)
		return TUPLE_FREE; /* nobody has the tuple; if the port is in use so, bind says it */
	return state == BPF_TCP_TIME_WAIT ? TUPLE_TIME_WAIT : TUPLE_TAKEN;
}

/* A socket on the port that is connected nowhere would get the answers of none, and has it for itself. */
static __always_inline enum tuple_state find_udp(const struct search *search, __u16 port)
{
	struct bpf_sock_tuple tuple = tuple_of(search, port);
	struct bpf_sock *sk;
	__u32 found;

	sk = bpf_sk_lookup_udp(search->ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return TUPLE_FREE;
	found = sk->src_port;
	bpf_sk_release(sk);
	return found == port ? TUPLE_TAKEN : TUPLE_FREE; /* another port: sockets that sk_lookup dispatches to */
}

static __always_inline int bind_to(const struct search *search, __u16 port)
{
	if (search->is_inet6) {
		struct sockaddr_in6 address = {
			.sin6_family = AF_INET6,
			.sin6_port = bpf_htons(port),
			.sin6_addr = { 0, 0, bpf_htonl(0xffff), search->in.address_be },
		};

		return bpf_bind(search->ctx, (struct sockaddr *)&address, sizeof(address));
	} else {
		struct sockaddr_in address = {
			.sin_family = AF_INET,
			.sin_port = bpf_htons(port),
			.sin_addr = search->in.address_be,
		};

		return bpf_bind(search->ctx, (struct sockaddr *)&address, sizeof(address));
	}
}

/* Begins with the slice that search->slice says. */
static __always_inline void enter_slice(struct search *search)
{
	__u32 random = bpf_get_prandom_u32();
	__u64 slice = search->slice & (SU_CHOOSER_SLICES - 1);

	barrier_var(slice); /* keeps the mask, which bounds it for the verifier */
	*(__u64 *)&search->in = *(const volatile __u64 *)&search->chooser->slices[slice];
	search->ports_left = search->in.port_count;
	search->offset = random;
	search->stride = random >> 16 | 1;
}

/* The slice is full, or its address is not here. Returns whether there is nothing more to search. */
static __always_inline int leave_slice(struct search *search)
{
	search->slices_left--;
	if (!search->slices_left) {
		if (search->takes_time_wait || !search->saw_time_wait)
			return 1;
		search->takes_time_wait = 1;
		search->slices_left = search->chooser->count;
	}
	search->moves++;
	search->slice++;
	if (search->slice >= search->chooser->count)
		search->slice = 0;
	enter_slice(search);
	return 0;
}

static __always_inline __u64 hash_of(const struct search *search, __u16 port)
{
	__u64 hash = ((__u64)search->destination_be << 32 | search->in.address_be) * 0x9e3779b97f4a7c15ull;

	hash ^= hash >> 29;
	hash += (__u64)search->is_tcp << 32 | (__u64)search->port_be << 16 | port;
	hash *= 0xbf58476d1ce4e5b9ull;
	hash ^= hash >> 27;
	return hash * 0x94d049bb133111ebull;
}

/* Claims the 4-tuple, unless another thread has. */
static __always_inline int claim(const struct search *search, __u16 port)
{
	__u64 hash = hash_of(search, port);
	__u32 index = hash >> 48;
	__u64 mine = (hash & 0x3ffffff) << 38 |
		     (bpf_get_current_pid_tgid() & 0x3fffff) << 16 |
		     ((bpf_ktime_get_ns() >> 20) & 0xffff);
	__u64 *place = bpf_map_lookup_elem(&su_claims, &index);
	__u64 there;

	if (!place)
		return 0;
	there = *(volatile __u64 *)place;
	if (there >> 38 == mine >> 38 && ((there ^ mine) >> 16 & 0x3fffff) &&
	    (__u16)((__u16)mine - (__u16)there) <= CLAIM_MS)
		return 0;
	return __sync_val_compare_and_swap(place, there, mine) == there;
}

/* One port. Returns whether the search ends. */
static long probe(__u32 index, struct search *search)
{
	enum tuple_state state;
	__u16 port;
	int error;

	(void)index;
	if (!search->ports_left && leave_slice(search))
		return 1;
	search->ports_left--;
	search->probes++;
	port = search->in.first_port + (search->offset & (search->in.port_count - 1));
	search->offset += search->stride;
	state = search->is_tcp ? find_tcp(search, port) : find_udp(search, port);
	if (state == TUPLE_TIME_WAIT)
		search->saw_time_wait = 1;
	if (state == TUPLE_TAKEN || (state == TUPLE_TIME_WAIT) != search->takes_time_wait)
		return 0;
	if (!claim(search, port))
		return 0;
	error = bind_to(search, port);
	if (!error) {
		search->is_done = 1;
		return 1;
	}
	if (error == -EADDRINUSE)
		return 0;
	search->error = error;
	if (error == -EADDRNOTAVAIL) { /* the address is not this host's: none of its ports will do */
		search->ports_left = 0;
		return 0;
	}
	return 1;
}

/* Binds the socket to a port that has nothing open to the destination. Returns 0 or a negative errno. */
static __always_inline int choose(struct bpf_sock_addr *ctx, const struct su_chooser *chooser, __u64 cgroup,
				  __be32 destination_be, int is_tcp, int is_inet6)
{
	struct search search = {
		.ctx = ctx,
		.chooser = chooser,
		.destination_be = destination_be,
		.port_be = ctx->user_port,
		.is_tcp = is_tcp,
		.is_inet6 = is_inet6,
		.slices_left = chooser->count,
	};
	int on = 1;

	if (!search.slices_left)
		return -EADDRNOTAVAIL;
	if (search.slices_left > 1)
		search.slice = bpf_get_prandom_u32() % search.slices_left;
	search.error = bpf_setsockopt(ctx, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!search.error) {
		enter_slice(&search);
		bpf_loop(MAX_PROBES, probe, &search, 0);
	}

	count(cgroup, SU_CHOICE_PROBES, search.probes);
	count(cgroup, SU_CHOICE_NEXT_SLICE, search.moves);
	if (search.is_done) {
		count(cgroup, is_tcp ? SU_CHOICE_TCP : SU_CHOICE_UDP, 1);
		if (search.takes_time_wait)
			count(cgroup, SU_CHOICE_TIME_WAIT, 1);
		return 0;
	}
	count(cgroup, search.error ? SU_CHOICE_FAILED : SU_CHOICE_EXHAUSTED, 1);
	return search.error ? search.error : -EADDRNOTAVAIL;
}

/*
 * Whether another socket has the 4-tuple that this one, which keeps its port from an earlier connect(2), is about to get.
 * TCP needs no such question: the kernel asks it.
 */
static __always_inline int would_overshadow(struct bpf_sock_addr *ctx, struct bpf_sock *sk,
					    __be32 destination_be)
{
	struct bpf_sock_tuple tuple = {
		.ipv4 = {
			.saddr = destination_be,
			.daddr = sk->src_ip4,
			.sport = ctx->user_port,
			.dport = bpf_htons(sk->src_port),
		},
	};
	struct bpf_sock *found;
	int is_connected;

	if (sk->dst_ip4 == destination_be && sk->dst_port == ctx->user_port)
		return 0; /* it is the one that would be found */
	found = bpf_sk_lookup_udp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!found)
		return 0;
	is_connected = found->dst_port == ctx->user_port;
	bpf_sk_release(found);
	return is_connected;
}

static __always_inline int on_connect(struct bpf_sock_addr *ctx, __be32 destination_be)
{
	const struct su_chooser *chooser;
	struct bpf_sock *sk = ctx->sk;
	int is_tcp = ctx->type == SOCK_STREAM && ctx->protocol == IPPROTO_TCP;
	__u64 cgroup;
	int error;

	if (!sk || !(is_tcp || (ctx->type == SOCK_DGRAM && ctx->protocol == IPPROTO_UDP)))
		return PASS;
	chooser = find_chooser(&cgroup);
	if (!chooser || !is_remote(destination_be))
		return PASS;
	if (sk->src_ip4 || sk->src_port) {
		if (!is_tcp && sk->src_ip4 && !bpf_sk_storage_get(&su_bound_sockets, sk, 0, 0) &&
		    would_overshadow(ctx, sk, destination_be)) {
			count(cgroup, SU_CHOICE_EXHAUSTED, 1);
			bpf_set_retval(-EADDRNOTAVAIL);
			return REFUSE;
		}
		count(cgroup, SU_CHOICE_BOUND, 1);
		return PASS;
	}
	error = choose(ctx, chooser, cgroup, destination_be, is_tcp, sk->family == AF_INET6);
	if (!error)
		return PASS;
	bpf_set_retval(error);
	return REFUSE;
}

static __always_inline int on_send(struct bpf_sock_addr *ctx, __be32 destination_be)
{
	const struct su_chooser *chooser;
	struct bpf_sock *sk = ctx->sk;
	__u64 cgroup;

	if (!sk)
		return PASS;
	chooser = find_chooser(&cgroup);
	if (!chooser || !is_remote(destination_be))
		return PASS;
	if (sk->src_ip4 || bpf_sk_storage_get(&su_bound_sockets, sk, 0, 0)) {
		count(cgroup, SU_CHOICE_BOUND, 1);
		return PASS;
	}
	if (chooser->flags & SU_CHOOSER_DATAGRAMS_NATED) {
		count(cgroup, SU_CHOICE_DATAGRAM_PASSED, 1);
		return PASS;
	}
	count(cgroup, SU_CHOICE_DATAGRAM_REFUSED, 1);
	bpf_set_retval(-EADDRNOTAVAIL);
	return REFUSE;
}

static __always_inline int on_bind(struct bpf_sock_addr *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	__u64 cgroup;

	if (sk && ctx->type == SOCK_DGRAM && find_chooser(&cgroup))
		bpf_sk_storage_get(&su_bound_sockets, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	return PASS;
}

SEC("cgroup/connect4")
int su_connect4(struct bpf_sock_addr *ctx)
{
	return on_connect(ctx, ctx->user_ip4);
}

SEC("cgroup/connect6")
int su_connect6(struct bpf_sock_addr *ctx)
{
	__be32 destination_be = mapped_address(ctx);

	return destination_be ? on_connect(ctx, destination_be) : PASS;
}

SEC("cgroup/sendmsg4")
int su_sendmsg4(struct bpf_sock_addr *ctx)
{
	return on_send(ctx, ctx->user_ip4);
}

SEC("cgroup/sendmsg6")
int su_sendmsg6(struct bpf_sock_addr *ctx)
{
	__be32 destination_be = mapped_address(ctx);

	return destination_be ? on_send(ctx, destination_be) : PASS;
}

SEC("cgroup/bind4")
int su_bind4(struct bpf_sock_addr *ctx)
{
	return on_bind(ctx);
}

SEC("cgroup/bind6")
int su_bind6(struct bpf_sock_addr *ctx)
{
	return on_bind(ctx);
}

char _license[] SEC("license") = "Dual MIT/GPL";
