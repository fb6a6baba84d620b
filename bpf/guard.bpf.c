// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Lets nothing leave with an egress source address but from a port that this server owns, whoever made the packet: a socket,
 * a raw socket, a NAT rule, another namespace. On tcx egress, or clsact's. It reads the tables that the steering program
 * reads, so what comes back for a packet that it lets go comes back here. docs/counters.md says what each reason means.
 */
#include "leaving.h"
#include "report.h"

/* The way of a packet. Where it ends, packet->reason says why. */
static __always_inline int guard(struct leaving *packet)
{
	return find_source(packet) && read_claim(packet) && find_owner(packet);
}

SEC("tc")
int su_guard(struct __sk_buff *skb)
{
	struct leaving packet = { .skb = skb };

	leaving_bounds(&packet);
	guard(&packet);
	return let_go(&packet);
}

char _license[] SEC("license") = "Dual MIT/GPL";
