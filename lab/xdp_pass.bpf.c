/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * Passes everything. A veth hands on what its peer sends by XDP_TX or redirect only if it has a program itself: the
 * lab's ToRs carry this one on their ends.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp.frags")
int lab_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char lab_license[] SEC("license") = "Dual MIT/GPL";
