// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Hands what comes in on a bound (protocol, prefix, port) to a registered socket, whatever address and port that socket is
 * bound to. abi.h draws the tables; docs/dispatch.md says what a binding is and how a socket is chosen.
 */
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "abi.h"

#define FAMILY_IPV4 2 /* AF_INET */

#define READ_ONCE(word) (*(const volatile __typeof__(word) *)&(word))

/* A global variable, as in tables.h: addressed without a lookup. Needs Linux 6.0, for elements above 4 MiB. */
struct su_dispatch su_dispatch __attribute__((aligned(64)));

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, SU_TARGETS *SU_TARGET_SLOTS);
	__type(key, __u32);
	__type(value, __u64); /* user space writes a descriptor and reads a cookie */
} su_dispatch_sockets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SU_BINDINGS / SU_COUNTER_BLOCK);
	__type(key, __u32);
	__type(value, struct su_dispatch_counters);
} su_dispatch_counts SEC(".maps");

/*
 * Hits by local address, filled only while su_dispatch.counts_addresses says so. Per CPU, 8 bytes more an entry and CPU: a service
 * has few addresses that most of its traffic is for, and the CPUs would pass the line of such a count to and fro.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_PERCPU_HASH);
	__uint(max_entries, SU_DISPATCH_ADDRESSES);
	__type(key, struct su_dispatch_address);
	__type(value, __u64);
} su_dispatch_addresses SEC(".maps");

/* A range's word: start, which, prefix_bits from the lowest bit up. */
#define RANGE_WHICH(word) ((__u32)((word) >> 32) & 0xffff)
#define RANGE_BITS(word) ((__u32)((word) >> 48) & 0xff)

/* A match: which of the class's bindings in the lower 16 bits, prefix length above. The longer prefix is the larger number. */
#define MATCH(which, bits) ((bits) << 16 | (which))
#define MATCH_WHICH(match) ((match) & 0xffff)

/* An entry of class_bindings. */
#define ENTRY_BINDING(entry) ((entry) & 0xffff)
#define ENTRY_TARGET(entry) ((entry) >> 16)

typedef __u64 __attribute__((may_alias)) range_word;

static __always_inline __u32 match_v4(const struct su_dispatch_half *half, __u32 number, __u32 address)
{
	const struct su_dispatch_class *class = &half->classes[number];
	__u32 first = class->v4_first;
	__u32 count = class->v4_count;
	__u32 bucket_bits = class->v4_bucket_bits & 31;
	__u64 word;

	if (!count)
		return 0;
	if (bucket_bits) {
		__u32 buckets = 1u << bucket_bits;
		__u32 bucket = (address - class->v4_base) >> (class->v4_shift & 31);
		__u32 index;

		if (address < class->v4_base)
			return 0;
		if (bucket >= buckets)
			bucket = buckets - 1;
		index = half->v4_index[(class->v4_index_first + bucket) & (SU_DISPATCH_INDEX - 1)];
		first += index & 0xffff;
		count = (index >> 16) - (index & 0xffff) + 1;
	}
	for (int i = 0; i < SU_DISPATCH_RANGES_LOG2 && count > 1; i++) {
		__u32 step = count / 2;

		if (half->v4[(first + step) & (SU_DISPATCH_RANGES - 1)].start <= address)
			first += step;
		count -= step;
	}
	word = *(const range_word *)&half->v4[first & (SU_DISPATCH_RANGES - 1)];
	return RANGE_WHICH(word) ? MATCH(RANGE_WHICH(word), RANGE_BITS(word)) : 0;
}

static __always_inline __u32 match_v6(const struct su_dispatch_half *half, __u32 class, __u64 high, __u64 low)
{
	__u32 first = half->classes[class].v6_first;
	__u32 count = half->classes[class].v6_count;
	const struct su_dispatch_v6 *range;

	if (!count)
		return 0;
	for (int i = 0; i < SU_DISPATCH_RANGES_LOG2 && count > 1; i++) {
		__u32 step = count / 2;

		range = &half->v6[(first + step) & (SU_DISPATCH_RANGES - 1)];
		if (range->start_high < high || (range->start_high == high && range->start_low <= low))
			first += step;
		count -= step;
	}
	range = &half->v6[first & (SU_DISPATCH_RANGES - 1)];
	return range->which ? MATCH((__u32)range->which, (__u32)range->prefix_bits) : 0;
}

static __always_inline __u64 upper_v6(const __u32 *words)
{
	return (__u64)bpf_ntohl(words[0]) << 32 | bpf_ntohl(words[1]);
}

/*
 * Longest prefix first. Of equal ones, the class of the port has the narrower range: any port is the widest.
 * Returns the entry of class_bindings, or 0: no binding has index 0.
 */
static __always_inline __u32 find_binding(struct bpf_sk_lookup *ctx, const struct su_dispatch_half *half,
					  __u32 class, __u32 any)
{
	__u32 match = 0, wide = 0;

	if (ctx->family == FAMILY_IPV4) {
		__u32 address = bpf_ntohl(ctx->local_ip4);

		if (class)
			match = match_v4(half, class, address);
		if (any)
			wide = match_v4(half, any, address);
	} else {
		__u32 words[4] = { ctx->local_ip6[0], ctx->local_ip6[1], ctx->local_ip6[2], ctx->local_ip6[3] };
		__u64 high = upper_v6(words), low = upper_v6(words + 2);

		if (class)
			match = match_v6(half, class, high, low);
		if (any)
			wide = match_v6(half, any, high, low);
	}
	if (wide >> 16 > match >> 16 || !match) {
		match = wide;
		class = any;
	}
	if (!match)
		return 0;
	return half->class_bindings[(half->classes[class & (SU_DISPATCH_CLASSES - 1)].bindings_first + MATCH_WHICH(match) - 1) &
				    (SU_DISPATCH_RANGES - 1)];
}

/* The same for all packets of a flow. SlotChoice.cs has it too. */
static __always_inline __u32 flow_hash(struct bpf_sk_lookup *ctx)
{
	__u32 remote, local, hash;

	if (ctx->family == FAMILY_IPV4) {
		remote = bpf_ntohl(ctx->remote_ip4);
		local = bpf_ntohl(ctx->local_ip4);
	} else {
		remote = bpf_ntohl(ctx->remote_ip6[0] ^ ctx->remote_ip6[1] ^ ctx->remote_ip6[2] ^ ctx->remote_ip6[3]);
		local = bpf_ntohl(ctx->local_ip6[0] ^ ctx->local_ip6[1] ^ ctx->local_ip6[2] ^ ctx->local_ip6[3]);
	}
	hash = (remote * 0x9e3779b1u ^ local) * 0x85ebca6bu;
	hash ^= hash >> 15;
	hash ^= (__u32)bpf_ntohs(ctx->remote_port) << 16 | (ctx->local_port & 0xffff);
	hash *= 0xc2b2ae35u;
	hash ^= hash >> 16;
	hash *= 0x27d4eb2fu;
	return hash ^ hash >> 15;
}

/* Not inlined: the verifier would walk it once for each slot that the socket may come from. */
static __noinline int count_address(struct bpf_sk_lookup *ctx)
{
	struct su_dispatch_address key = {};
	__u64 one = 1;
	__u64 *hits;

	if (ctx->family == FAMILY_IPV4) {
		key.address_be[2] = bpf_htonl(0xffff);
		key.address_be[3] = READ_ONCE(ctx->local_ip4); /* of its own: the verifier allows no load at either of two offsets */
	} else {
		key.address_be[0] = ctx->local_ip6[0];
		key.address_be[1] = ctx->local_ip6[1];
		key.address_be[2] = ctx->local_ip6[2];
		key.address_be[3] = ctx->local_ip6[3];
	}
	hits = bpf_map_lookup_elem(&su_dispatch_addresses, &key);
	if (!hits && bpf_map_update_elem(&su_dispatch_addresses, &key, &one, BPF_NOEXIST))
		hits = bpf_map_lookup_elem(&su_dispatch_addresses, &key); /* another CPU was first */
	if (hits)
		(*hits)++;
	return 0;
}

/* A binding without a live socket refuses, as a port without a listener does: nobody else's socket takes its place. */
static __always_inline int give(struct bpf_sk_lookup *ctx, __u32 entry)
{
	__u32 target = ENTRY_TARGET(entry) & (SU_TARGETS - 1);
	__u32 binding = ENTRY_BINDING(entry) & (SU_BINDINGS - 1);
	__u32 block = binding / SU_COUNTER_BLOCK;
	struct su_dispatch_counters *counters = bpf_map_lookup_elem(&su_dispatch_counts, &block);
	__u32 counter = binding % SU_COUNTER_BLOCK;
	__u32 slots = READ_ONCE(su_dispatch.targets[target].slots);
	__u32 slot = 0;

	if (!counters)
		return SK_DROP;
	if (slots > 1)
		slot = (__u64)flow_hash(ctx) * slots >> 32;
	for (__u32 i = 0; i < SU_TARGET_SLOTS && i < slots; i++) {
		__u32 key = target * SU_TARGET_SLOTS + (slot & (SU_TARGET_SLOTS - 1));
		struct bpf_sock *sk = bpf_map_lookup_elem(&su_dispatch_sockets, &key);

		if (sk) {
			__u32 exact = READ_ONCE(su_dispatch.targets[target].exact) >> (slot & (SU_TARGET_SLOTS - 1)) & 1;
			long refused = bpf_sk_assign(ctx, sk, exact ? BPF_SK_LOOKUP_F_NO_REUSEPORT : 0);

			bpf_sk_release(sk);
			if (refused) {
				counters->errors[counter]++;
				return SK_DROP;
			}
			counters->hits[counter]++;
			if (READ_ONCE(su_dispatch.counts_addresses))
				count_address(ctx);
			return SK_PASS;
		}
		slot = (slot + 1) % slots; /* no branch, which would double the ways that the verifier walks */
	}
	counters->misses[counter]++;
	return SK_DROP;
}

SEC("sk_lookup")
int su_dispatch_find(struct bpf_sk_lookup *ctx)
{
	const struct su_dispatch_half *half = &su_dispatch.halves[READ_ONCE(su_dispatch.half) & 1];
	__u32 udp = ctx->protocol == IPPROTO_UDP; /* the kernel asks for TCP and UDP alone */
	__u32 class = half->classes_by_port[udp][ctx->local_port & 0xffff] & (SU_DISPATCH_CLASSES - 1);
	__u32 any = half->any_port_class[udp] & (SU_DISPATCH_CLASSES - 1);
	__u32 entry;

	if (!(class | any))
		return SK_PASS;
	entry = find_binding(ctx, half, class, any);
	return entry ? give(ctx, entry) : SK_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
