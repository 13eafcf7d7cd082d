/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The probe: a static program that tells from inside a container what is in force there, or does
 * what it is told. */
#include "test/probe/probe.h"

#include <stdio.h>
#include <string.h>

#include "test/probe/out.h"

static const struct probe_action *find_action(const char *name)
{
	const struct probe_action *action = probe_actions;

	while (action->name && strcmp(action->name, name) != 0)
		action++;
	return action->name ? action : NULL;
}

static int wanted(const struct probe_report *report, char **names)
{
	if (!*names)
		return 1;
	for (; *names; names++)
		if (strcmp(*names, report->name) == 0)
			return 1;
	return 0;
}

/* `probe` tells everything, `probe caps rlimits` only that, `probe open /etc` acts. */
int main(int argc, char **argv)
{
	const struct probe_action *action = argc > 1 ? find_action(argv[1]) : NULL;
	struct out out = { 0 };

	if (action && argc - 2 < action->arguments) {
		fprintf(stderr, "probe %s: %d arguments\n", action->name, action->arguments);
		return 2;
	}
	if (action)
		return action->run(argv + 2);
	out_open(&out, NULL, '{');
	for (const struct probe_report *report = probe_reports; report->name; report++)
		if (wanted(report, argv + (argc > 0)))
			report->write(&out, report->name, argv);
	out_close(&out, '}');
	printf("\n");
	return fflush(stdout) == 0 ? 0 : 1;
}
