/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The spec: every property arrives, every bad value gets its sentence, presets fill in, templates
 * are good. */
#include "runtime/spec.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/err.h"
#include "base/fd.h"
#include "test/unit/unit.h"

#define GOOD "test/data/specs/good"
#define BAD  "test/data/specs/bad"

static const char *text_at(const struct json_list *list, size_t i)
{
	return i < list->count ? JSON_ITEMS(const char *, list)[i] : NULL;
}

static int decode(const char *text, struct arena *arena, struct spec *spec, struct err *err)
{
	return spec_decode("config.json", text, strlen(text), arena, spec, err);
}

static char *slurp(const char *path)
{
	size_t length;

	return fd_slurp(AT_FDCWD, path, SPEC_FILE_MAX, &length, NULL);
}

/* ---- every property ---- */

static void check_process(const struct spec_process *process)
{
	CHECK(process && process->terminal);
	CHECK(process->console_size.present && process->console_size.height == 24);
	CHECK_INT(process->console_size.width, 80);
	CHECK_TEXT(process->cwd, "/work");
	CHECK_INT(process->args.count, 3);
	CHECK_TEXT(text_at(&process->args, 2), "echo \xc3\xa9 \xf0\x9f\x9a\x8c");
	CHECK_INT(process->env.count, 3);
	CHECK_TEXT(text_at(&process->env, 1), "EMPTY=");
	CHECK_INT(process->security.user.uid, 1000);
	CHECK_INT(process->security.user.umask.value, 18);
	CHECK_INT(process->security.user.additional_gids.count, 2);
	CHECK_INT(process->security.rlimits.count, 2);
	CHECK(process->security.capabilities != NULL);
	CHECK_TEXT(text_at(&process->security.capabilities->sets[CAPS_PERMITTED], 1), "CAP_CHOWN");
	CHECK(process->security.no_new_privileges);
	CHECK_TEXT(process->security.apparmor_profile, "profile");
	CHECK_INT(process->security.oom_score_adj.value, -100);
	CHECK(process->security.scheduler && process->security.io_priority);
	CHECK_TEXT(process->security.exec_cpu_affinity->initial, "0-1");
}

static void check_hooks(const struct spec_hooks *hooks)
{
	static const char *const paths[] = { "/bin/a", "/bin/b", "/bin/d",
					     "/bin/e", "/bin/f", "/bin/g" };

	for (int kind = 0; kind < SPEC_HOOK_KINDS; kind++)
		CHECK_TEXT(JSON_ITEMS(struct spec_hook, &hooks->lists[kind])[0].path, paths[kind]);
	const struct spec_hook *first = hooks->lists[SPEC_PRESTART].items;
	const struct spec_hook *runtime = hooks->lists[SPEC_CREATE_RUNTIME].items;

	CHECK_TEXT(text_at(&first->args, 1), "1");
	CHECK_TEXT(text_at(&first->env, 0), "K=V");
	CHECK_INT(first->timeout.value, 3);
	CHECK_INT(hooks->lists[SPEC_CREATE_RUNTIME].count, 2);
	CHECK(!runtime[0].env.items && runtime[1].env.items && !runtime[1].env.count);
	CHECK(!runtime[0].timeout.set);
}

static void check_linux(const struct spec_linux *part)
{
	CHECK_INT(part->ns.namespaces.count, NS_TYPES);
	CHECK(ns_is_new(&part->ns, NS_USER) && ns_is_joined(&part->ns, NS_NETWORK));
	CHECK_INT(part->ns.uid_maps.count, 1);
	CHECK_INT(part->ns.gid_maps.count, 1);
	CHECK_INT(part->ns.time_offsets.count, 2);
	CHECK_INT(part->ns.devices.count, 2);
	CHECK_TEXT(part->ns.rootfs_propagation, "slave");
	CHECK_TEXT(text_at(&part->ns.masked_paths, 0), "/proc/kcore");
	CHECK_TEXT(text_at(&part->ns.readonly_paths, 0), "/proc/sys");
	CHECK_INT(part->ns.sysctl.count, 2);
	CHECK(part->ns.mount_label != NULL);
	CHECK_INT(part->net_devices.count, 2);
	CHECK_TEXT(JSON_ITEMS(struct net_device_spec, &part->net_devices)[0].key, "eth7");
	CHECK_TEXT(JSON_ITEMS(struct net_device_spec, &part->net_devices)[0].name, "eth0");
	CHECK_TEXT(part->cgroups_path, "/group/complete");
	CHECK(part->resources && cgroup_asks(part->resources));
	CHECK(part->security.seccomp && part->security.personality && part->security.memory_policy);
	CHECK(part->intel_rdt && part->intel_rdt->clos_id);
}

static void test_every_property(void)
{
	auto_free char *text = slurp(GOOD "/complete.json");
	struct arena arena = { 0 };
	struct spec spec = { 0 };
	struct err err = { 0 };

	CHECK(text != NULL);
	CHECK_INT(decode(text, &arena, &spec, &err), 0);
	CHECK_TEXT(err.text, "");
	CHECK_TEXT(spec.oci_version, "1.3.0");
	CHECK_TEXT(spec.root.path, "rootfs");
	CHECK(spec.root.readonly);
	CHECK_TEXT(spec.hostname, "complete");
	CHECK_TEXT(spec.domainname, "example.org");
	CHECK_INT(spec.mounts.count, 3);
	CHECK_INT(JSON_ITEMS(struct ns_mount_spec, &spec.mounts)[2].gid_maps.count, 1);
	CHECK_INT(spec.annotations.count, 2);
	CHECK_TEXT(JSON_ITEMS(struct json_pair, &spec.annotations)[1].value, "one\ntwo");
	CHECK(!spec.masu.preset);
	check_process(spec.process);
	check_hooks(&spec.hooks);
	check_linux(&spec.linux_part);
	arena_free(&arena);
}

static void test_round_trip(void)
{
	auto_free char *text = slurp(GOOD "/complete.json");
	struct arena arena = { 0 };
	struct spec spec = { 0 }, again = { 0 };
	struct err err = { 0 };

	CHECK_INT(decode(text, &arena, &spec, &err), 0);
	const char *encoded = json_encode(&spec_object, &spec, 2, &arena, &err);

	CHECK(encoded && decode(encoded, &arena, &again, &err) == 0);
	CHECK_TEXT(json_encode(&spec_object, &again, 2, &arena, &err), encoded);
	check_process(again.process);
	check_hooks(&again.hooks);
	check_linux(&again.linux_part);
	arena_free(&arena);
}

static void test_minimal(void)
{
	auto_free char *text = slurp(GOOD "/minimal.json");
	struct arena arena = { 0 };
	struct spec spec = { 0 };

	CHECK_INT(decode(text, &arena, &spec, NULL), 0);
	CHECK(!spec.process && !spec.hostname && !spec.mounts.items && !spec.linux_part.resources);
	CHECK(!spec.linux_part.ns.namespaces.items && !spec.linux_part.security.seccomp);
	arena_free(&arena);
}

/* ---- bad values ---- */

#define HEAD    "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"r\"},\n"
#define PROCESS HEAD "\"process\":{\"cwd\":\"/\","

/* clang-format off */
static const struct bad {
	const char *text;
	const char *want;
} bad[] = {
	{ "{\"root\":{\"path\":\"r\"}}", "config.json:1: ociVersion: missing" },
	{ "{\"ociVersion\":\"2.0.0\",\"root\":{\"path\":\"r\"}}", "config.json: ociVersion: \"2.0.0\" is not supported" },
	{ "{\"ociVersion\":\"1\",\"root\":{\"path\":\"r\"}}", "config.json: ociVersion: \"1\" is not a version (MAJOR.MINOR.PATCH)" },
	{ "{\"ociVersion\":1.0}", "config.json:1: ociVersion: did not expect a number here" },
	{ "{\"ociVersion\":\"1.0.0\"}", "config.json: root.path: missing" },
	{ "{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"\"}}", "config.json: root.path: must not be empty" },
	{ "{\"ociVersion\":\"1.0.0\",\"root\":[]}", "config.json:1: root: did not expect a list here" },
	{ HEAD "\"process\":[]}", "config.json:2: process: did not expect a list here" },
	{ PROCESS "\"terminal\":1}}", "config.json:2: process.terminal: did not expect a number here" },
	{ PROCESS "\"consoleSize\":{\"height\":1}}}", "config.json:2: process.consoleSize.width: missing" },
	{ PROCESS "\"consoleSize\":{\"height\":65536,\"width\":1}}}", "config.json:2: process.consoleSize.height: 65536 is out of range (0 to 65535)" },
	{ PROCESS "\"args\":\"sh\"}}", "config.json:2: process.args: did not expect a string here" },
	{ PROCESS "\"args\":[]}}", "config.json: process.args: must not be empty, it names the program to run" },
	{ PROCESS "\"args\":null}}", "config.json: process.args: missing, it names the program to run" },
	{ PROCESS "\"args\":[\"\"]}}", "config.json: process.args[0]: must not be empty" },
	{ PROCESS "\"args\":[\"a\", 5]}}", "config.json:2: process.args[1]: did not expect a number here" },
	{ HEAD "\"process\":{\"args\":[\"a\"]}}", "config.json: process.cwd: missing" },
	{ HEAD "\"process\":{\"args\":[\"a\"],\"cwd\":\"tmp\"}}", "config.json: process.cwd: \"tmp\" is not an absolute path" },
	{ PROCESS "\"args\":[\"a\"],\"env\":[\"A=b\",\"C\"]}}", "config.json: process.env[1]: \"C\" is not NAME=VALUE" },
	{ PROCESS "\"args\":[\"a\"],\"env\":[\"=b\"]}}", "config.json: process.env[0]: \"=b\" is not NAME=VALUE" },
	{ PROCESS "\"args\":[\"a\"],\"env\":[\"HOME=/\\nroot\"]}}", "config.json: process.env[0]: control characters are not allowed in HOME" },
	{ PROCESS "\"user\":{\"uid\":-1}}}", "config.json:2: process.user.uid: -1 is out of range (0 to 4294967294)" },
	{ PROCESS "\"user\":\"root\"}}", "config.json:2: process.user: did not expect a string here" },
	{ HEAD "\"hostname\":5}", "config.json:2: hostname: did not expect a number here" },
	{ HEAD "\"hostname\":\"a\\nb\"}", "config.json:2: hostname: control characters are not allowed" },
	{ HEAD "\"domainname\":\"a\\rb\"}", "config.json:2: domainname: control characters are not allowed" },
	{ HEAD "\"mounts\":{}}", "config.json:2: mounts: did not expect an object here" },
	{ HEAD "\"mounts\":[\n{\"destination\":\"/a\"},\n{\"source\":\"/b\"}]}", "config.json:4: mounts[1].destination: missing" },
	{ HEAD "\"hooks\":[]}", "config.json:2: hooks: did not expect a list here" },
	{ HEAD "\"hooks\":{\"poststop\":[{}]}}", "config.json:2: hooks.poststop[0].path: missing" },
	{ HEAD "\"hooks\":{\"prestart\":[{\"path\":\"a\"}]}}", "config.json: hooks.prestart[0].path: \"a\" is not an absolute path" },
	{ HEAD "\"hooks\":{\"poststart\":[{\"path\":\"/a\"},{\"path\":\"/a\",\"timeout\":0}]}}",
	  "config.json:2: hooks.poststart[1].timeout: 0 is out of range (1 to 2147483)" },
	{ HEAD "\"hooks\":{\"createRuntime\":[{\"path\":\"/a\",\"env\":[\"x\"]}]}}", "config.json: hooks.createRuntime[0].env[0]: \"x\" is not NAME=VALUE" },
	{ HEAD "\"hooks\":{\"createContainer\":[{\"path\":\"/a\",\"args\":[\"\"]}]}}", "config.json: hooks.createContainer[0].args[0]: must not be empty" },
	{ HEAD "\"annotations\":{\"\":\"x\"}}", "config.json:2: annotations: an empty name is not allowed" },
	{ HEAD "\"annotations\":{\"a\":5}}", "config.json:2: annotations.a: did not expect a number here" },
	{ HEAD "\"annotations\":{\"a\\nb\":\"c\"}}", "config.json: annotations: control characters in the name of entry 1" },
	{ HEAD "\"linux\":null,\"linux\":{}}", "config.json:2: linux: given twice" },
	{ HEAD "\"linux\":{\"cgroupsPath\":\"/a/../b\"}}", "config.json: linux.cgroupsPath: \"/a/../b\" has a \"..\"" },
	{ HEAD "\"linux\":{\"cgroupsPath\":\"/a\\n\"}}", "config.json:2: linux.cgroupsPath: control characters are not allowed" },
	{ HEAD "\"linux\":{\"resources\":{\n\"pids\":{\"limit\":\"5\"}}}}", "config.json:3: linux.resources.pids.limit: did not expect a string here" },
	{ HEAD "\"linux\":{\"namespaces\":[{\"type\":\"networks\"}]}}", "config.json:2: linux.namespaces[0].type: \"networks\" is not a known value" },
	{ HEAD "\"linux\":{\"namespaces\":[{\"path\":\"/x\"}]}}", "config.json:2: linux.namespaces[0].type: missing" },
	{ HEAD "\"linux\":{\"seccomp\":{}}}", "config.json:2: linux.seccomp.defaultAction: missing" },
	{ HEAD "\"masu\":{\"preset\":\"defaults\"}}", "config.json: masu.preset: there is no preset \"defaults\"" },
	{ HEAD "\"masu\":{\"preset\":5}}", "config.json:2: masu.preset: did not expect a number here" },
	{ HEAD "\"masu\":{\"storage\":{\"a\":1,\"a\":2}}}", "config.json:2: masu.storage.a: given twice" },
};

/* clang-format on */

static void test_bad_values(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena arena = { 0 };
		struct spec spec;
		struct err err = { 0 };

		CHECK_ROW(bad[i].text, decode(bad[i].text, &arena, &spec, &err) == -1);
		CHECK_TEXT(err.text, bad[i].want);
		CHECK_INT(err.code, ERR_INPUT);
		arena_free(&arena);
	}
}

static void test_bad_files(void)
{
	auto_closedir DIR *dir = opendir(BAD);
	size_t files = 0;

	CHECK(dir != NULL);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		struct arena arena = { 0 };
		struct spec spec;
		struct err err = { 0 };

		if (entry->d_name[0] == '.')
			continue;
		files++;
		CHECK_ROW(entry->d_name,
			  spec_load(BAD, dirfd(dir), entry->d_name, &arena, &spec, &err) == -1);
		CHECK_ROW(entry->d_name, err.code == ERR_INPUT);
		CHECK_ROW(entry->d_name,
			  strncmp(err.text, entry->d_name, strlen(entry->d_name)) == 0);
		CHECK_ROW(entry->d_name, !strchr(err.text, '\n'));
		arena_free(&arena);
	}
	CHECK(files > 10);
}

/* The end of the value that begins at `value`. */
static size_t value_end(const char *text, size_t value)
{
	int depth = 0;

	for (;; value++) {
		if (text[value] == '"') {
			for (value++; text[value] != '"'; value++)
				value += text[value] == '\\';
		} else if (strchr("{[", text[value])) {
			depth++;
		} else if (depth && strchr("}]", text[value])) {
			depth--;
		}
		if (!depth && strchr(",}] \n\t", text[value + 1]))
			return value + 1;
	}
}

/* null, and each wrong type, in the place of every value of the complete document: never a crash,
 * always a sentence. */
static void test_wrong_values_everywhere(void)
{
	static const char *const values[] = { "null", "true", "7",      "-1",   "\"x\"",     "\"\"",
					      "{}",   "[]",   "[null]", "[[]]", "{\"x\":{}}" };
	auto_free char *text = slurp(GOOD "/complete.json");
	auto_free char *changed = malloc(strlen(text) + 32);
	size_t places = 0;

	for (size_t at = 0; text[at]; at++) {
		bool key = text[at] == ':' && text[at - 1] == '"';
		bool item = text[at] == '[' || (text[at] == ',' && text[at + 1] != '"');
		size_t from = at + 1 + strspn(text + at + 1, " \t\n");

		if ((!key && !item) || (item && !strchr("\"{[0123456789", text[from])))
			continue;
		size_t to = value_end(text, from);

		places++;
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			struct arena arena = { 0 };
			struct spec spec;
			struct err err = { 0 };

			sprintf(changed, "%.*s%s%s", (int)from, text, values[i], text + to);
			if (decode(changed, &arena, &spec, &err) < 0)
				CHECK(err.code == ERR_INPUT &&
				      strncmp(err.text, "config.json", 11) == 0);
			arena_free(&arena);
		}
	}
	CHECK(places > 150);
}

/* ---- presets and templates ---- */

static const struct ns_mount_spec *find_mount(const struct spec *spec, const char *destination)
{
	for (size_t i = 0; i < spec->mounts.count; i++) {
		const struct ns_mount_spec *mount =
			&JSON_ITEMS(struct ns_mount_spec, &spec->mounts)[i];

		if (strcmp(mount->destination, destination) == 0)
			return mount;
	}
	return NULL;
}

static void test_short_spec_is_complete(void)
{
	struct arena arena = { 0 };
	struct spec spec;
	struct err err = { 0 };

	CHECK_INT(decode("{\"process\":{\"args\":[\"sh\"]},\"masu\":{\"preset\":\"default\"}}",
			 &arena, &spec, &err),
		  0);
	CHECK_TEXT(err.text, "");
	CHECK_TEXT(spec.oci_version, SPEC_VERSION);
	CHECK_TEXT(spec.root.path, "rootfs");
	CHECK_TEXT(spec.hostname, "masu");
	CHECK_TEXT(spec.process->cwd, "/");
	CHECK_INT(spec.process->env.count, 2);
	CHECK(spec.process->security.no_new_privileges);
	CHECK_INT(spec.process->security.capabilities->sets[CAPS_BOUNDING].count, 14);
	CHECK_INT(spec.process->security.capabilities->sets[CAPS_AMBIENT].count, 0);
	CHECK(ns_is_new(&spec.linux_part.ns, NS_PID) && ns_is_new(&spec.linux_part.ns, NS_CGROUP));
	CHECK(!ns_is_new(&spec.linux_part.ns, NS_USER));
	CHECK(find_mount(&spec, "/proc") && find_mount(&spec, "/dev/pts") &&
	      find_mount(&spec, "/sys/fs/cgroup"));
	CHECK(spec.linux_part.ns.masked_paths.count > 9);
	CHECK_INT(spec.linux_part.ns.readonly_paths.count, 5);
	CHECK(cgroup_asks(spec.linux_part.resources));
	CHECK(spec.linux_part.security.seccomp != NULL);
	arena_free(&arena);
}

static void test_what_is_written_wins(void)
{
	auto_free char *text = slurp(GOOD "/preset.json");
	struct arena arena = { 0 };
	struct spec spec;
	struct err err = { 0 };

	CHECK_INT(decode(text, &arena, &spec, &err), 0);
	CHECK_INT(spec.process->env.count, 3);
	CHECK_TEXT(text_at(&spec.process->env, 1), "TERM=dumb");
	CHECK_TEXT(text_at(&spec.process->env, 2), "A=b");
	CHECK_INT(spec.mounts.count, 8);
	CHECK(!find_mount(&spec, "/dev/shm"));
	CHECK_TEXT(text_at(&find_mount(&spec, "/dev/shm/")->options, 0), "size=1m");
	CHECK_TEXT(JSON_ITEMS(struct ns_mount_spec, &spec.mounts)[7].destination, "/data");
	CHECK_TEXT(spec.masu.storage.image, "busybox");
	CHECK_TEXT(spec.masu.storage.size, "2G");
	CHECK(spec.masu.storage.keep);
	CHECK_INT(spec.masu.network->interfaces.count, 1);
	CHECK_INT(spec.masu.network->publish.count, 1);
	/* the limit is added to the preset's device rules */
	CHECK(strstr(json_encode(&spec_object, &spec, 0, &arena, &err),
		     "\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}],"
		     "\"memory\":{\"limit\":67108864}}") != NULL);
	arena_free(&arena);
}

static void test_preset_details(void)
{
	static const char capabilities[] =
		"{\"process\":{\"args\":[\"a\"],\"noNewPrivileges\":false,\"capabilities\":{\"bounding\":"
		"[\"CAP_SYS_ADMIN\"]}},\"masu\":{\"preset\":\"default\"}}";
	static const char namespaces[] = "{\"linux\":{\"namespaces\":[{\"type\":\"mount\"}],"
					 "\"maskedPaths\":[]},\"process\":null,"
					 "\"masu\":{\"preset\":\"default\"}}";
	static const char open[] =
		"{\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"}},"
		"\"masu\":{\"preset\":\"default\"}}";
	struct arena arena = { 0 };
	struct spec spec;
	struct err err = { 0 };

	CHECK_INT(decode(capabilities, &arena, &spec, &err), 0);
	CHECK(!spec.process->security.no_new_privileges);
	CHECK_INT(spec.process->security.capabilities->sets[CAPS_BOUNDING].count, 1);
	CHECK(!spec.process->security.capabilities->sets[CAPS_EFFECTIVE].items);
	/* the capability opened up its calls, in front of all others */
	CHECK(strstr(json_encode(&security_linux_object, &spec.linux_part.security, 0, &arena,
				 &err),
		     "\"syscalls\":[{\"names\":[\"bpf\",\"clone\",\"clone3\",") != NULL);
	CHECK_INT(decode(namespaces, &arena, &spec, &err), 0);
	CHECK(!spec.process && !spec.hostname);
	CHECK_INT(spec.linux_part.ns.namespaces.count, 1);
	CHECK_INT(spec.linux_part.ns.masked_paths.count, 0);
	CHECK_INT(decode(open, &arena, &spec, &err), 0);
	CHECK(!strstr(
		json_encode(&security_linux_object, &spec.linux_part.security, 0, &arena, &err),
		"syscalls"));
	CHECK_INT(decode("{\"process\":{\"args\":5},\n\"masu\":{\"preset\":\"default\"}}", &arena,
			 &spec, &err),
		  -1);
	CHECK_TEXT(err.text, "config.json:1: process.args: did not expect a number here");
	CHECK_INT(
		decode("{\"process\":{},\n\"masu\":{\"preset\":\"default\"}}", &arena, &spec, &err),
		-1);
	CHECK_TEXT(err.text, "config.json: process.args: missing, it names the program to run");
	arena_free(&arena);
}

/* The resolved profile compiles; what it decides is security/'s to test. */
static void test_default_seccomp_compiles(void)
{
	struct arena arena = { 0 };
	struct spec spec;
	struct err err = { 0 };
	void *program;
	size_t size = 0;

	CHECK_INT(decode("{\"masu\":{\"preset\":\"default\"}}", &arena, &spec, &err), 0);
	CHECK_INT(security_seccomp_compile(spec.linux_part.security.seccomp, &arena, &program,
					   &size, &err),
		  0);
	CHECK(size > 0 && size % 8 == 0);
	arena_free(&arena);
}

static void test_templates(void)
{
	for (int kind = SPEC_TEMPLATE_FULL; kind <= SPEC_TEMPLATE_SHORT; kind++) {
		struct arena arena = { 0 };
		struct spec spec;
		struct err err = { 0 };
		const char *text = spec_template(kind, 1000, 4294967294, &arena, &err);

		CHECK(text && text[strlen(text) - 1] == '\n' && !strchr(text, '@'));
		CHECK_INT(decode(text, &arena, &spec, &err), 0);
		CHECK_TEXT(err.text, "");
		CHECK(spec.process->terminal);
		CHECK_TEXT(text_at(&spec.process->args, 0), "sh");
		if (kind == SPEC_TEMPLATE_ROOTLESS) {
			const struct ns_id_map *uid = spec.linux_part.ns.uid_maps.items;
			const struct ns_id_map *gid = spec.linux_part.ns.gid_maps.items;

			CHECK(uid->host_id == 1000 && gid->host_id == 4294967294);
			CHECK(!spec.linux_part.resources);
		}
		arena_free(&arena);
	}
	auto_free char *hello = slurp("configs/examples/hello/spec.json");
	struct arena arena = { 0 };
	struct spec spec;

	CHECK(hello && decode(hello, &arena, &spec, NULL) == 0);
	arena_free(&arena);
}

/* ---- files, processes, ids, versions ---- */

static void test_files_that_are_none(void)
{
	char folder[] = "/tmp/masu-spec-XXXXXX";
	struct arena arena = { 0 };
	struct spec spec;
	struct err err = { 0 };

	CHECK(mkdtemp(folder) != NULL);
	auto_close int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHECK_INT(spec_load("/b", dir, "config.json", &arena, &spec, &err), -1);
	CHECK_TEXT(err.text, "bundle /b: open config.json: No such file or directory");
	CHECK_TEXT(err.hint, "`masu spec` writes one to begin with");
	CHECK_INT(mkfifoat(dir, "config.json", 0600), 0);
	CHECK_INT(spec_load("/b", dir, "config.json", &arena, &spec, &err), -1); /* does not hang */
	CHECK_TEXT(err.text, "bundle /b: read config.json: not a regular file");
	CHECK_INT(unlinkat(dir, "config.json", 0), 0);
	auto_close int file = openat(dir, "config.json", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	CHECK_INT(ftruncate(file, 1LL << 40), 0);
	CHECK_INT(spec_load("/b", dir, "config.json", &arena, &spec, &err), -1);
	CHECK_TEXT(err.text, "bundle /b: read config.json: larger than 16777216 bytes");
	CHECK_INT(unlinkat(dir, "config.json", 0), 0);
	CHECK_INT(rmdir(folder), 0);
	arena_free(&arena);
}

static void test_process_documents(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "{\"cwd\":\"/\",\"args\":[\"a\"]}", "" },
		{ "{\"args\":[\"a\"]}", "process.json: process.cwd: missing" },
		{ "{\"cwd\":\"/\"}",
		  "process.json: process.args: missing, it names the program to run" },
		{ "{\"cwd\":\"/\",\"args\":[\"a\"],\n\"user\":{\"uid\":\"0\"}}",
		  "process.json:2: user.uid: did not expect a string here" },
		{ "[]", "process.json:1: did not expect a list here" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct arena arena = { 0 };
		struct spec_process process;
		struct err err = { 0 };

		CHECK_INT(spec_decode_process("process.json", rows[i].text, strlen(rows[i].text),
					      &arena, &process, &err),
			  rows[i].want[0] ? -1 : 0);
		CHECK_TEXT(err.text, rows[i].want);
		arena_free(&arena);
	}
}

static void test_ids(void)
{
	static const char *const good[] = { "a", "_x", "9", "web-1.2+b_C", NULL };
	static const char *const wrong[] = { "",    ".",   "..",       "a/b", "-x", "+x",
					     "a b", "a\n", "\xc3\xa9", "%n",  "a%", NULL };
	char id[SPEC_ID_MAX + 2] = "";
	struct err err = { 0 };

	for (size_t i = 0; good[i]; i++)
		CHECK_ROW(good[i], spec_check_id(good[i], &err) == 0);
	for (size_t i = 0; wrong[i]; i++) {
		CHECK_ROW(wrong[i], spec_check_id(wrong[i], &err) == -1);
		CHECK_ROW(wrong[i], err.code == ERR_INPUT && !strchr(err.text, '\n'));
	}
	memset(id, 'a', SPEC_ID_MAX);
	CHECK_INT(spec_check_id(id, &err), 0);
	id[SPEC_ID_MAX] = 'a';
	CHECK_INT(spec_check_id(id, &err), -1);
	CHECK_TEXT(err.text, "container id: longer than 128 bytes");
	CHECK_INT(spec_check_id("a\nb", &err), -1);
	CHECK_TEXT(err.text, "container id: \"a\\nb\" is not acceptable");
}

static void test_versions(void)
{
	static const char *const good[] = { "1.0.0",     "1.0.2-dev", "1.3.0", "1.99.123",
					    "1.0.0-rc5", "1.1.0+dev", NULL };
	static const char *const wrong[] = { "",       "1",     "1.0",   "v1.0.0", "1.0.0 ",
					     "01.0.0", "0.9.0", "2.0.0", "1.0.0-", "1.0.0.0",
					     "10.0.0", "1..0",  "1.0.x", NULL };

	for (size_t i = 0; good[i]; i++)
		CHECK_ROW(good[i], spec_check_version(good[i], NULL) == 0);
	for (size_t i = 0; wrong[i]; i++)
		CHECK_ROW(wrong[i], spec_check_version(wrong[i], NULL) == -1);
}

/* The promise is 150 us for the default spec; ten times that leaves room for sanitizers and a busy
 * machine. */
static void test_speed(void)
{
	enum { RUNS = 50 };

	const char *text = spec_template(SPEC_TEMPLATE_FULL, 0, 0, NULL, NULL);
	struct timespec from, to;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	for (int i = 0; i < RUNS; i++) {
		struct arena arena = { 0 };
		struct spec spec;

		CHECK_INT(decode(text, &arena, &spec, NULL), 0);
		arena_free(&arena);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	double each =
		(double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec);

	CHECK(each / RUNS < 1.5e-3);
}

int main(void)
{
	test_every_property();
	test_round_trip();
	test_minimal();
	test_bad_values();
	test_bad_files();
	test_wrong_values_everywhere();
	test_short_spec_is_complete();
	test_what_is_written_wins();
	test_preset_details();
	test_default_seccomp_compiles();
	test_templates();
	test_files_that_are_none();
	test_process_documents();
	test_ids();
	test_versions();
	test_speed();
	return unit_done("runtime_spec");
}
