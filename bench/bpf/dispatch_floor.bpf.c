// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* What the dispatch program is measured against: the least that handing over a socket can cost. One socket a protocol. */
#include <linux/bpf.h>
#include <linux/in.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, 2); /* TCP, UDP */
	__type(key, __u32);
	__type(value, __u64);
} su_floor_sockets SEC(".maps");

SEC("sk_lookup")
int su_floor_find(struct bpf_sk_lookup *ctx)
{
	__u32 udp = ctx->protocol == IPPROTO_UDP;
	struct bpf_sock *sk = bpf_map_lookup_elem(&su_floor_sockets, &udp);
	long refused;

	if (!sk)
		return SK_DROP;
	refused = bpf_sk_assign(ctx, sk, 0);
	bpf_sk_release(sk);
	return refused ? SK_DROP : SK_PASS;
}

char _license[] SEC("license") = "Dual MIT/GPL";
