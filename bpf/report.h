/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/* The guard's one exit: counts by reason, tells of some drops, and says the verdict. */
#ifndef SU_REPORT_H
#define SU_REPORT_H

#include <linux/pkt_cls.h>
#include "leaving.h"
#include "counters.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SU_GUARD_REASONS);
	__type(key, __u32);
	__type(value, struct su_counter);
} su_guard_counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, SU_GUARD_EVENT_BYTES);
} su_guard_events SEC(".maps");

struct pace {
	__u64 next_ns; /* no event before this (CLOCK_MONOTONIC) */
	__u64 missed;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pace);
} su_guard_pace SEC(".maps");

/* Tells of a drop, unless this CPU told of one a moment ago: a flood costs a clock reading a packet. */
static __always_inline void tell(struct leaving *packet)
{
	const __u32 zero = 0;
	struct pace *pace = bpf_map_lookup_elem(&su_guard_pace, &zero);
	__u64 now_ns = bpf_ktime_get_ns();
	struct __sk_buff *skb = packet->skb;
	struct su_guard_event *event;
	struct ipv4 ip = {};

	if (!pace)
		return;
	if (now_ns < pace->next_ns) {
		pace->missed++;
		return;
	}
	event = bpf_ringbuf_reserve(&su_guard_events, sizeof(*event), 0);
	if (!event) {
		pace->missed++;
		return;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->socket_cookie = bpf_get_socket_cookie(skb);
	event->cgroup_id = bpf_skb_cgroup_id(skb);
	event->uid = bpf_get_socket_uid(skb);
	event->out_ifindex = skb->ifindex;
	event->in_ifindex = skb->ingress_ifindex;
	event->mark = skb->mark;
	event->missed = pace->missed;
	event->source_port = packet->ports >> 16;
	event->destination_port = packet->ports;
	event->reason = packet->reason;
	ip.header = packet->data + packet->ip_at;
	if (packet->ip_at && ip.header + IPV4_BYTES <= packet->data_end) {
		event->protocol = ipv4_protocol(&ip);
		event->source_be = ipv4_source_be(&ip);
		event->destination_be = ipv4_destination_be(&ip);
	}
	bpf_ringbuf_submit(event, 0);
	pace->next_ns = now_ns + SU_GUARD_EVENT_PAUSE_NS;
	pace->missed = 0;
}

/* What passes is left to the filters behind this one: they judge what they judged without it. */
static __always_inline int let_go(struct leaving *packet)
{
	count(&su_guard_counters, packet->reason, packet->skb->len);
	if (SU_LIKELY(packet->reason < SU_GUARD_UNOWNED))
		return TC_ACT_UNSPEC;
	tell(packet);
	return TC_ACT_SHOT;
}

#endif
