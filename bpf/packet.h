/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The packet on its way through the layers, and the loads and stores they share. */
#ifndef SU_PACKET_H
#define SU_PACKET_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>
#include "abi.h"

/* For what ends a packet's way: its code lies aside, and the ways that go on lie together. */
#define SU_LIKELY(x) __builtin_expect(!!(x), 1)
#define SU_UNLIKELY(x) __builtin_expect(!!(x), 0)

/*
 * Where headers begin is kept as an offset of 7 bits: 14 bytes of Ethernet, 8 of VLAN tags, 60 of IPv4 and 12 of GUE
 * fit. Masked to it, all ways to a header look alike to the verifier, which then checks what follows only once.
 */
#define SU_OFFSET_MASK 0x7f

/* For the same end, all reasons are below this power of two. */
#define SU_REASON_MASK 31
_Static_assert(SU_REASONS <= SU_REASON_MASK, "reasons fit");

struct packet {
	struct xdp_md *ctx;
	__u8 *data;
	__u8 *data_end;
	__u64 frame_bytes; /* as it arrived */
	__u64 interface;   /* struct su_interface, as one word */
	__u64 roles;	   /* SU_ROLE_* of it */
	__u64 zero;	   /* always 0; the verifier does not know */
	__u64 link_bytes;  /* Ethernet and VLAN tags, as they arrived */
	__u64 in_rank;	   /* enum su_rank */
	__u64 outer_ecn;   /* ECN bits of the tunnel it came through, else 0 */
	__u32 port;	   /* says the owner; host order */
	__u32 ports;	   /* for the entropy of GUE's source port; host order */
	__u64 reason;	   /* enum su_reason, once it is known */
	__u32 action;	   /* enum xdp_action, if it is not dropped */
};

/* Read here, and once: what user space stores at any time. */
#define READ_ONCE(word) (*(const volatile __typeof__(word) *)&(word))

/* BPF memory is read and written in words that cross fields, so they may alias anything. */
typedef __u16 __attribute__((may_alias)) su_word16;
typedef __u32 __attribute__((may_alias)) su_word32;
typedef __u64 __attribute__((may_alias)) su_word64;

static __always_inline __u16 load16(const void *at)
{
	return *(const su_word16 *)at;
}

static __always_inline __u32 load32(const void *at)
{
	return *(const su_word32 *)at;
}

static __always_inline __u64 load64(const void *at)
{
	return *(const su_word64 *)at;
}

static __always_inline void store16(void *at, __u16 value)
{
	*(su_word16 *)at = value;
}

static __always_inline void store32(void *at, __u32 value)
{
	*(su_word32 *)at = value;
}

static __always_inline void store64(void *at, __u64 value)
{
	*(su_word64 *)at = value;
}

/*
 * A layer returns whether the packet goes on to the next one. If not, it has said why here. The barrier keeps the reason's
 * number out of the way of packets that go on: the compiler would load it before the branch.
 */
static __always_inline int stop(struct packet *packet, __u64 reason)
{
	barrier_var(reason);
	packet->reason = reason;
	return 0;
}

/*
 * An offset that the verifier takes for any offset. The barrier keeps the compiler from carrying on with the value
 * before the mask, of which the verifier knows more.
 */
static __always_inline __u64 any_offset(__u64 offset)
{
	offset &= SU_OFFSET_MASK;
	barrier_var(offset);
	return offset;
}

/* The same for a reason. */
static __always_inline __u64 any_reason(const struct packet *packet, __u64 reason)
{
	reason = (reason + packet->zero) & SU_REASON_MASK;
	barrier_var(reason);
	return reason;
}

/* Reads the packet's bounds (again: after the head has moved). */
static __always_inline void packet_bounds(struct packet *packet)
{
	packet->data = (__u8 *)(long)packet->ctx->data;
	packet->data_end = (__u8 *)(long)packet->ctx->data_end;
}

#endif
