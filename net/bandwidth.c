/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rates and bursts as texts: "100mbit", "256k". */
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/str.h"
#include "net/private.h"

enum {
	RATE_MIN = 1000,  /* bytes per second: less is no connection */
	BURST_MIN = 2048, /* a packet has to fit */
	BURST_MAX = 1024 * 1024 * 1024,
};

#define RATE_MAX (1000ULL * 1000 * 1000 * 1000 / 8) /* 1 Tbit/s in bytes */

/* clang-format off */
static const struct unit { const char *name; uint64_t factor; } rate_units[] = {
	{ "", 1 }, { "bit", 1 }, { "kbit", 1000 }, { "mbit", 1000 * 1000 }, { "gbit", 1000 * 1000 * 1000 }, { NULL, 0 },
}, size_units[] = {
	{ "", 1 }, { "k", 1024 }, { "m", 1024 * 1024 }, { NULL, 0 },
};

/* clang-format on */

/* A number with one of the units; false when it is none, or does not fit into 64 bits. */
static bool parse_quantity(const char *text, const struct unit *units, uint64_t *value)
{
	size_t digits = strspn(text, "0123456789");
	char number[24];

	if (!digits || str_format(number, sizeof(number), "%.*s", (int)digits, text) < 0 ||
	    !str_parse_u64(number, value))
		return false;
	for (; units->name; units++) {
		if (strcasecmp(units->name, text + digits) == 0)
			return !__builtin_mul_overflow(*value, units->factor, value);
	}
	return false;
}

static int parse_rate(const char *text, const char *name, uint64_t *bytes, struct err *err)
{
	uint64_t bits;

	*bytes = 0;
	if (!text)
		return 0;
	if (parse_quantity(text, rate_units, &bits) && bits / 8 >= RATE_MIN &&
	    bits / 8 <= RATE_MAX) {
		*bytes = bits / 8;
		return 0;
	}
	return err_set(err, ERR_INPUT,
		       "bandwidth.%s: \"%s\" is not a rate from 8kbit to 1000gbit (bit, kbit, "
		       "mbit, gbit per second)",
		       name, text);
}

int net_bandwidth_parse(const struct net_bandwidth_spec *spec, struct net_bandwidth *parsed,
			struct err *err)
{
	uint64_t burst = 0;

	if (parse_rate(spec->ingress, "ingress", &parsed->ingress, err) < 0 ||
	    parse_rate(spec->egress, "egress", &parsed->egress, err) < 0)
		return -1;
	if (spec->burst && (!parse_quantity(spec->burst, size_units, &burst) || burst < BURST_MIN ||
			    burst > BURST_MAX))
		return err_set(err, ERR_INPUT,
			       "bandwidth.burst: \"%s\" is not a size from 2k to 1024m bytes",
			       spec->burst);
	if (burst && !parsed->ingress && !parsed->egress)
		return err_set(err, ERR_INPUT, "bandwidth.burst: goes with ingress or egress");
	parsed->burst = (unsigned int)burst;
	return 0;
}

/* The host's end of the pair is "mv" and a number: the same number. */
void net_shaper_name(const struct net_interface_state *interface, char name[IFNAMSIZ])
{
	str_format(name, IFNAMSIZ, "mi%s", interface->host_name + 2);
}
