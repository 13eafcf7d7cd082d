/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `masu doctor`: the folders' questions, one after the other, and the answers as JSON. */
#include "runtime/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/plugin.h"
#include "cgroup/cgroup.h"
#include "net/net.h"
#include "ns/ns.h"
#include "runtime/api.h"
#include "runtime/context.h"
#include "runtime/create.h"
#include "runtime/masu.h"
#include "runtime/network.h"
#include "runtime/rows.h"
#include "security/security.h"
#include "storage/storage.h"

/* clang-format off */
static const struct json_row answer_rows[] = {
	{ "check",       JSON_TEXT, offsetof(struct doctor_answer, check) },
	{ "state",       JSON_TEXT, offsetof(struct doctor_answer, state) },
	{ "found",       JSON_TEXT, offsetof(struct doctor_answer, found) },
	{ "consequence", JSON_TEXT, offsetof(struct doctor_answer, consequence) },
	{ "remedy",      JSON_TEXT, offsetof(struct doctor_answer, remedy) },
};
/* clang-format on */
const struct json_object doctor_answer_object = JSON_OBJECT_OF(struct doctor_answer, answer_rows);

int doctor_add(struct doctor *doctor, enum doctor_state state, const struct doctor_answer *answer,
	       struct err *err)
{
	static const char *const states[] = {
		[DOCTOR_OK] = "ok",
		[DOCTOR_WARN] = "warn",
		[DOCTOR_MISSING] = "missing",
	};
	struct doctor_answer *added = json_grow(doctor->arena, &doctor->answers, sizeof(*added));

	if (!added)
		return err_sys(err, "examine this host");
	*added = (struct doctor_answer){
		.check = arena_strdup(doctor->arena, answer->check),
		.state = states[state],
		.found = arena_strdup(doctor->arena, answer->found),
	};
	if (state != DOCTOR_OK) {
		added->consequence = answer->consequence;
		added->remedy = answer->remedy;
	}
	doctor->missing += state == DOCTOR_MISSING;
	return added->check && added->found ? 0 : err_sys(err, "examine this host");
}

int doctor_ask(struct doctor *doctor, const struct doctor_row *row, struct err *err)
{
	struct doctor_note note = { "" };
	enum doctor_state state = row->look(row->about, &note);
	const struct doctor_answer answer = { row->check, NULL, note.text, row->consequence,
					      row->remedy };

	return doctor_add(doctor, state, &answer, err);
}

/* ---- what the runtime itself needs ---- */

static enum doctor_state look_init(int about, struct doctor_note *note)
{
	auto_close int program = init_image_open(NULL);
	off_t size = program < 0 ? -1 : lseek(program, 0, SEEK_END);

	(void)about;
	if (size < 0)
		return doctor_say(note, DOCTOR_MISSING, "no sealed memory files (memfd_create)");
	return doctor_say(note, DOCTOR_OK, "%lld KiB, static", (long long)size / 1024);
}

static enum doctor_state look_first_process(int about, struct doctor_note *note)
{
	char name[32];

	(void)about;
	if (fd_read_file(AT_FDCWD, "/proc/1/comm", name, sizeof(name)) < 0)
		return doctor_say(note, DOCTOR_OK, "cannot be seen");
	return doctor_say(note, DOCTOR_OK, "%s", name);
}

/* clang-format off */
static const struct doctor_row runtime_rows[] = {
	{ "masu-init",     look_init, 0, "no container starts", "a kernel with memfd_create" },
	{ "first process", look_first_process },
	{ 0 },
};

static const struct doctor_row *const tables[] = {
	base_doctor_rows, runtime_rows, cgroup_doctor_rows, ns_doctor_rows, security_doctor_rows, net_doctor_rows, storage_doctor_rows,
};

static const struct {
	const char *name, *consequence;
} plugins[] = {
	{ "netlink",   "masu.network and linux.netDevices are refused" },
	{ "nftables",  "networks with addresses of their own are refused" },
	{ "archive",   "compressed images cannot be imported" },
	{ "devmapper", "no store with the driver devicemapper" },
};

/* clang-format on */

const struct doctor_row *doctor_find(const char *check)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		for (const struct doctor_row *row = tables[i]; row->check; row++) {
			if (strcmp(row->check, check) == 0)
				return row;
		}
	}
	return NULL;
}

/* ---- questions that need more than a row ---- */

static int ask_plugins(struct doctor *doctor, struct err *err)
{
	for (size_t i = 0; i < sizeof(plugins) / sizeof(*plugins); i++) {
		struct err why = { 0 };
		bool has = plugin_load(plugins[i].name, &why);
		const struct doctor_answer answer = {
			.check = arena_printf(doctor->arena, "plug-in: %s", plugins[i].name),
			.found = has ? "loaded" : why.text,
			.consequence = plugins[i].consequence,
			.remedy = "install masu's plug-ins and the libraries that they need",
		};

		if (why.code == ERR_PLUGIN) {
			if (err)
				*err = why;
			return -1;
		}
		if (doctor_add(doctor, has ? DOCTOR_OK : DOCTOR_WARN, &answer, err) < 0)
			return -1;
	}
	return 0;
}

static int ask_state_root(struct doctor *doctor, struct err *err)
{
	const char *root = doctor->masu->root, *slash = strrchr(root, '/');
	const char *parent =
		arena_strndup(doctor->arena, root, slash > root ? (size_t)(slash - root) : 1);
	bool has = access(root, F_OK) == 0;
	bool able = parent && faccessat(AT_FDCWD, has ? root : parent, W_OK, AT_EACCESS) == 0;
	const struct doctor_answer answer = {
		.check = "state directory",
		.found = able ? root : arena_printf(doctor->arena, "%s: %s", root, strerror(errno)),
		.consequence = "no container can be recorded",
		.remedy = "a user who is not root: set XDG_RUNTIME_DIR, or --root",
	};

	return doctor_add(doctor, able ? DOCTOR_OK : DOCTOR_MISSING, &answer, err);
}

static int ask_drivers(struct doctor *doctor, struct err *err)
{
	struct storage_info info;
	struct err why = { 0 };

	if (storage_get_info(doctor->masu->storage_root, doctor->arena, &info, &why) < 0) {
		const struct doctor_answer answer = {
			.check = "storage",
			.found = why.text,
			.consequence = "masu.storage and images cannot be used",
			.remedy = "see `masu storage info`",
		};

		return doctor_add(doctor, DOCTOR_WARN, &answer, err);
	}
	for (size_t i = 0; i < info.drivers.count; i++) {
		const struct storage_driver_info *driver =
			&JSON_ITEMS(struct storage_driver_info, &info.drivers)[i];
		const struct doctor_answer answer = {
			.check = arena_printf(doctor->arena, "storage: %s", driver->name),
			.found = driver->usable   ? "usable"
				 : driver->reason ? driver->reason
						  : "not usable",
			.consequence = "masu.storage.driver with this name is refused",
			.remedy = "see `masu storage info`",
		};

		if (doctor_add(doctor, driver->usable ? DOCTOR_OK : DOCTOR_WARN, &answer, err) < 0)
			return -1;
	}
	return 0;
}

static void count_report(const char *what, void *data)
{
	(void)what;
	++*(int *)data;
}

static int ask_networks(struct doctor *doctor, struct err *err)
{
	const struct net_place place = network_place(doctor->masu, doctor->arena);
	struct err why = { 0 };
	int count = 0;

	if (doctor->masu->rootless)
		return 0;
	bool able = net_diagnose(&place, count_report, &count, &why) >= 0;
	const struct doctor_answer answer = {
		.check = "nftables",
		.found = !able   ? why.text
			 : count ? arena_printf(doctor->arena, "%d obstacles", count)
				 : "nothing in the way",
		.consequence = able ? "packets of containers are kept away"
				    : "networks with addresses of their own are refused",
		.remedy = able ? "see `masu network doctor`"
			       : "modprobe nf_tables, or a kernel with it",
	};

	return doctor_add(doctor, able && !count ? DOCTOR_OK : DOCTOR_WARN, &answer, err);
}

int doctor_examine_host(struct doctor *doctor, struct err *err)
{
	if (ask_plugins(doctor, err) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
		for (const struct doctor_row *row = tables[i]; row->check; row++) {
			if (doctor_ask(doctor, row, err) < 0)
				return -1;
		}
	}
	if (ask_state_root(doctor, err) < 0 || ask_drivers(doctor, err) < 0)
		return -1;
	return ask_networks(doctor, err);
}

/* ---- masu.h ---- */

static int give(const struct doctor *doctor, char **json, struct err *err)
{
	const char *text =
		json_encode_list(&doctor_answer_object, &doctor->answers, 2, doctor->arena, err);

	if (!text)
		return -1;
	*json = strdup(text);
	return *json ? doctor->missing : err_sys(err, "examine this host");
}

int masu_doctor(struct masu *masu, char **json, struct masu_error *error)
{
	struct err *err = api_error(error);
	auto_arena struct arena arena = { 0 };
	struct doctor doctor = { .masu = masu, .arena = &arena };

	return doctor_examine_host(&doctor, err) < 0 ? -1 : give(&doctor, json, err);
}

/* A refusal is an answer: "config.json: process.cwd: ..." names the field by itself. */
static int add_refusal(struct doctor *doctor, const struct err *why, struct err *err)
{
	const struct doctor_answer answer = {
		.check = "spec",
		.found = why->text,
		.consequence = "masu refuses to create the container",
		.remedy = why->hint[0] ? arena_strdup(doctor->arena, why->hint) : NULL,
	};

	return doctor_add(doctor, DOCTOR_MISSING, &answer, err);
}

int masu_doctor_spec(struct masu *masu, const struct masu_create_options *given, char **json,
		     struct masu_error *error)
{
	struct err *err = api_error(error), why = { 0 };
	auto_arena struct arena arena = { 0 };
	struct doctor doctor = { .masu = masu, .arena = &arena };
	struct masu_create_options options;
	struct creation creation;

	if (api_options(&options, sizeof(options), given, err) < 0)
		return -1;
	int result = creation_prepare(masu, &options, &creation, &why);

	if (result < 0 && why.code == ERR_PLUGIN && err)
		*err = why;
	else if (result < 0)
		result = add_refusal(&doctor, &why, err);
	else
		result = doctor_examine_spec(&doctor, &creation, err);
	creation_close(&creation);
	return result < 0 ? -1 : give(&doctor, json, err);
}
