// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * What the steering program is measured with. A test run does not put the packet back between repetitions, so each goes
 * through su_bench_wrap, which does, and then tail-calls the program in question. su_bench_nothing, called the same way,
 * says what that costs; su_bench_floor is the least that encapsulation can cost: a ready header, copied.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define TEMPLATE_BYTES 46 /* Ethernet, IPv4, UDP, GUE */
#define RESTORED_WORDS 7
#define WORD_AT(i) ((i) ? 6 + 8 * (i) : 0)

typedef __u64 __attribute__((may_alias)) word64;

struct su_bench_frame {
	__u32 frame_bytes;
	__u32 pad;
	/*
	 * The first 62 bytes, behind which no program writes: bytes 6 to 13, then the words at 0, 14, 22, ... 54. Stored so,
	 * a word lies in one store wherever headers begin, and a program that reads words does not wait for several stores to
	 * reach the cache, where a packet from a card would lie.
	 */
	__u64 source_and_type;
	__u64 words[RESTORED_WORDS];
	__u64 header[TEMPLATE_BYTES / 8 + 1];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct su_bench_frame);
} su_bench_frames SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} su_bench_program SEC(".maps");

SEC("xdp.frags")
int su_bench_wrap(struct xdp_md *ctx)
{
	const __u32 zero = 0;
	const struct su_bench_frame *frame = bpf_map_lookup_elem(&su_bench_frames, &zero);
	void *data;
	long bytes;
	int i;

	if (!frame)
		return XDP_ABORTED;
	bytes = (void *)(long)ctx->data_end - (void *)(long)ctx->data;
	barrier_var(bytes); /* keeps the subtraction at 64 bits, as pointers want it */
	if (bpf_xdp_adjust_head(ctx, bytes - frame->frame_bytes))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	if (data + 62 > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	*(word64 *)(data + 6) = frame->source_and_type;
#pragma unroll
	for (i = 0; i < RESTORED_WORDS; i++)
		*(word64 *)(data + WORD_AT(i)) = frame->words[i];
	bpf_tail_call(ctx, &su_bench_program, 0);
	return XDP_ABORTED;
}

SEC("xdp.frags")
int su_bench_nothing(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_PASS;
}

SEC("xdp.frags")
int su_bench_floor(struct xdp_md *ctx)
{
	const __u32 zero = 0;
	const struct su_bench_frame *frame = bpf_map_lookup_elem(&su_bench_frames, &zero);
	word64 *data;
	int i;

	if (!frame)
		return XDP_ABORTED;
	/* The Ethernet header is replaced, the rest goes in front of the packet. */
	if (bpf_xdp_adjust_head(ctx, -(TEMPLATE_BYTES - 14)))
		return XDP_ABORTED;
	data = (word64 *)(long)ctx->data;
	if ((void *)data + TEMPLATE_BYTES > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
#pragma unroll
	for (i = 0; i < TEMPLATE_BYTES / 8; i++)
		data[i] = frame->header[i];
	*(__u32 *)(data + TEMPLATE_BYTES / 8) = frame->header[TEMPLATE_BYTES / 8];
	*((__u16 *)(data + TEMPLATE_BYTES / 8) + 2) = frame->header[TEMPLATE_BYTES / 8] >> 32;
	return XDP_TX;
}

char _license[] SEC("license") = "Dual MIT/GPL";
