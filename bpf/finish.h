/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The one exit: counts by reason and by endpoint, and says the XDP action. */
#ifndef SU_FINISH_H
#define SU_FINISH_H

#include "packet.h"
#include "tables.h"

static __always_inline void count(void *map, __u32 index, __u64 bytes)
{
	struct su_counter *counter = bpf_map_lookup_elem(map, &index);

	if (counter) {
		counter->packets++;
		counter->bytes += bytes;
	}
}

/*
 * A verdict has its reasons to itself, so that the reason says the verdict. Made unknown to the verifier, it lets this
 * code be checked once instead of once a reason.
 */
static __always_inline int finish(struct packet *packet, __u32 reason)
{
	reason = any_reason(packet, reason);
	count(&su_counters, reason, packet->frame_bytes);
	if (reason >= SU_UNOWNED)
		return XDP_DROP;
	if (reason >= SU_DELIVERED && reason <= SU_CARRIED_ON)
		count(&su_endpoint_counters, packet->slot, packet->frame_bytes);
	return packet->action;
}

#endif
