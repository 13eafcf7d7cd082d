/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The benchmark's launcher: runs commands in turn (A B C A B C ...) and prints medians of time,
 * CPU, peak memory and ratios. */
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	SUBJECTS_MAX = 8,
	COMMANDS_MAX = 8,
	ARGUMENTS_MAX = 24,
	ROUNDS_MAX = 500,
	WARM_UP = 2,
};

/* A command of a subject; `timed` false: runs but does not count (preparation, cleaning). */
struct command {
	char *arguments[ARGUMENTS_MAX];
	int count;
	bool timed;
};

struct sample {
	double wall_ms, cpu_ms;
	double peak_kib;
};

/* What is compared: a name and the commands that make up one round of it. */
struct subject {
	const char *name;
	struct command commands[COMMANDS_MAX];
	int command_count;
	struct sample samples[ROUNDS_MAX];
};

static double now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static double cpu_ms(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1e3 +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e3;
}

/* Put the round's number in the place of "{}". */
static void fill_in(char *const *arguments, char filled[][512], char **argv, int number)
{
	int i = 0;

	for (; arguments[i]; i++) {
		const char *mark = strstr(arguments[i], "{}");

		if (mark)
			snprintf(filled[i], sizeof(filled[i]), "%.*s%d%s",
				 (int)(mark - arguments[i]), arguments[i], number, mark + 2);
		argv[i] = mark ? filled[i] : arguments[i];
	}
	argv[i] = NULL;
}

/*
 * The child is made by vfork, so that it starts without a copy of us and this program's size stays
 * out of its accounts. Its wait4 gives its own peak memory and its CPU time with that of the
 * children it has waited for.
 */
static void run_command(const struct command *command, int number, int null, struct sample *sample)
{
	char filled[ARGUMENTS_MAX][512];
	char *argv[ARGUMENTS_MAX + 1];
	struct rusage usage;
	double start;
	int status;
	pid_t pid;

	fill_in(command->arguments, filled, argv, number);
	start = now_ms();
	pid = vfork();
	if (pid == 0) {
		dup2(null, STDOUT_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0) {
		perror(argv[0]);
		exit(1);
	}
	if (!command->timed)
		return;
	sample->wall_ms += now_ms() - start;
	sample->cpu_ms += cpu_ms(&usage);
	if ((double)usage.ru_maxrss > sample->peak_kib)
		sample->peak_kib = (double)usage.ru_maxrss;
	if (status != 0) {
		fprintf(stderr, "bench: %s %s ... ended with status %#x\n", argv[0],
			argv[1] ? argv[1] : "", (unsigned int)status);
		exit(1);
	}
}

static void run_round(struct subject *subject, int number, int null, struct sample *sample)
{
	memset(sample, 0, sizeof(*sample));
	for (int i = 0; i < subject->command_count; i++)
		run_command(&subject->commands[i], number, null, sample);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(*values), compare);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double median_of(const struct subject *subject, int rounds, size_t member)
{
	double values[ROUNDS_MAX];

	for (int i = 0; i < rounds; i++)
		memcpy(&values[i], (const char *)&subject->samples[i] + member, sizeof(double));
	return median(values, rounds);
}

/* The median of the ratios round by round: what slows the machine down slows both. */
static double ratio_of(const struct subject *subject, const struct subject *base, int rounds)
{
	double values[ROUNDS_MAX];

	for (int i = 0; i < rounds; i++)
		values[i] = subject->samples[i].wall_ms / base->samples[i].wall_ms;
	return median(values, rounds);
}

/* A line of the table on standard output, an object of a JSON list in `file`. */
static void print_subject(const char *scenario, const struct subject *subject,
			  const struct subject *base, int rounds, FILE *file)
{
	double wall = median_of(subject, rounds, offsetof(struct sample, wall_ms));
	double cpu = median_of(subject, rounds, offsetof(struct sample, cpu_ms));
	double peak = median_of(subject, rounds, offsetof(struct sample, peak_kib));
	double ratio = ratio_of(subject, base, rounds);

	printf("%-28s %-8s %9.2f ms %9.2f ms %8.0f KiB %7.2f\n", scenario, subject->name, wall, cpu,
	       peak, ratio);
	if (file)
		fprintf(file,
			"{\"scenario\":\"%s\",\"subject\":\"%s\",\"rounds\":%d,\"wall_ms\":%.3f,"
			"\"cpu_ms\":%.3f,\"peak_kib\":%.0f,\"ratio\":%.3f}\n",
			scenario, subject->name, rounds, wall, cpu, peak, ratio);
}

/* Words: "--" begins a subject (its name follows), ";" ends a command, "~" before a command: not
 * timed. */
static int parse_subjects(char **words, struct subject *subjects)
{
	struct command *command = NULL;
	int count = -1;

	for (; *words; words++) {
		struct subject *subject = count >= 0 ? &subjects[count] : NULL;

		if (strcmp(*words, "--") == 0 && words[1] && count + 1 < SUBJECTS_MAX) {
			subjects[++count].name = *++words;
			command = NULL;
		} else if (strcmp(*words, ";") == 0) {
			command = NULL;
		} else if (subject && !command && subject->command_count < COMMANDS_MAX) {
			command = &subject->commands[subject->command_count++];
			command->timed = strcmp(*words, "~") != 0;
			if (command->timed)
				command->arguments[command->count++] = *words;
		} else if (command && command->count < ARGUMENTS_MAX - 1) {
			command->arguments[command->count++] = *words;
		} else {
			fprintf(stderr, "bench: too much at %s\n", *words);
			exit(2);
		}
	}
	return count + 1;
}

/* bench ROUNDS FILE SCENARIO -- NAME COMMAND... [; COMMAND...] [-- NAME ...]; ratios are to the
 * first subject. */
int main(int argc, char **argv)
{
	static struct subject subjects[SUBJECTS_MAX];
	int rounds = argc > 4 ? (int)strtol(argv[1], NULL, 10) : 0;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	int count, number = 0;
	struct sample ignored;
	FILE *file;

	if (rounds < 1 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: bench ROUNDS FILE SCENARIO -- NAME COMMAND...\n");
		return 2;
	}
	count = parse_subjects(argv + 4, subjects);
	for (int round = -WARM_UP; round < rounds; round++)
		for (int i = 0; i < count; i++)
			run_round(&subjects[i], number++, null,
				  round < 0 ? &ignored : &subjects[i].samples[round]);
	file = fopen(argv[2], "ae");
	for (int i = 0; i < count; i++)
		print_subject(argv[3], &subjects[i], &subjects[0], rounds, file);
	if (file)
		fclose(file);
	return 0;
}
