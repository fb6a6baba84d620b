/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The one exit: counts by reason, and says the XDP action. */
#ifndef SU_FINISH_H
#define SU_FINISH_H

#include "packet.h"
#include "tables.h"

/*
 * A verdict has its reasons to itself, so that the reason says the verdict. Made unknown to the verifier, it lets this
 * code be checked once instead of once a reason.
 */
static __always_inline int finish(struct packet *packet)
{
	__u32 reason = any_reason(packet, packet->reason);

	count(&su_counters, reason, packet->frame_bytes);
	return reason >= SU_UNOWNED ? XDP_DROP : packet->action;
}

#endif
