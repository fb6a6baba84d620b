/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* Counting, per CPU. */
#ifndef SU_COUNTERS_H
#define SU_COUNTERS_H

#include "packet.h"

/* One packet more in a per-CPU counter. */
static __always_inline void count(void *map, __u32 index, __u64 bytes)
{
	struct su_counter *counter = bpf_map_lookup_elem(map, &index);

	if (counter) {
		counter->packets++;
		counter->bytes += bytes;
	}
}

#endif
