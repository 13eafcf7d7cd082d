/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The plug-in "systemd": its manager's D-Bus interface through libsystemd's sd-bus. */
/* link: -lsystemd */
#include "cgroup/systemd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define SERVICE "org.freedesktop.systemd1"
#define OBJECT  "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define UNIT    "org.freedesktop.systemd1.Unit"

enum {
	TEXT_MAX = 256,
	EXISTS_TRIES = 50,
	EXISTS_PAUSE_NS = 20000000,
};

struct systemd_bus {
	sd_bus *bus;
	bool broker;
	int timeout_ms;
	int64_t deadline_ms;
	sd_bus_message *reply;                /* of the call under way, once it has come */
	const char *unit;                     /* whose jobs are listened for */
	char job[TEXT_MAX], result[TEXT_MAX]; /* the last job of it that ended, and how */
};

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int fail(int code, const char *doing, const char *unit, struct err *err)
{
	errno = -code;
	return err_sys(err, "%s%s%s", doing, unit ? " " : "", unit ? unit : "");
}

/* Work on the connection until the reply is there, or the job has ended. sd_bus_call() would wait
 * for a silent peer much longer. */
static int run_until(struct systemd_bus *bus, const char *job, struct err *err)
{
	for (;;) {
		int done = sd_bus_process(bus->bus, NULL);

		if (done < 0)
			return fail(done, "talk to systemd", NULL, err);
		if (job ? strcmp(bus->job, job) == 0 : bus->reply != NULL)
			return 0;
		if (done > 0)
			continue;
		int64_t left = bus->deadline_ms - clock_ms();

		if (left <= 0) {
			err_set(err, ETIMEDOUT, "talk to systemd: no answer within %.3g s",
				bus->timeout_ms / 1000.0);
			return err_hint(err, "does the bus live? `systemctl is-system-running` "
					     "asks the same");
		}
		done = sd_bus_wait(bus->bus, (uint64_t)left * 1000);
		if (done < 0 && done != -EINTR)
			return fail(done, "talk to systemd", NULL, err);
	}
}

static void begin_wait(struct systemd_bus *bus)
{
	bus->deadline_ms = clock_ms() + bus->timeout_ms;
}

static int keep_reply(sd_bus_message *message, void *data, sd_bus_error *error)
{
	struct systemd_bus *bus = data;

	(void)error;
	bus->reply = sd_bus_message_ref(message);
	return 1;
}

static void drop_reply(struct systemd_bus *bus)
{
	bus->reply = sd_bus_message_unref(bus->reply);
}

/* One call with its deadline; bus->reply holds the answer, which may be an error. */
static int call(struct systemd_bus *bus, sd_bus_message *message, struct err *err)
{
	drop_reply(bus);
	begin_wait(bus);
	/* the deadline is ours: sd-bus shall not give up before */
	int sent = sd_bus_call_async(bus->bus, NULL, message, keep_reply, bus, UINT64_MAX);

	return sent < 0 ? fail(sent, "talk to systemd", NULL, err) : run_until(bus, NULL, err);
}

/* What the answer says when it is an error; else 0. */
static int check_reply(struct systemd_bus *bus, const char *doing, const char *unit,
		       struct err *err)
{
	const sd_bus_error *error = sd_bus_message_get_error(bus->reply);

	if (!error)
		return 0;
	bool none = sd_bus_error_has_name(error, "org.freedesktop.systemd1.NoSuchUnit") ||
		    sd_bus_error_has_name(error, SD_BUS_ERROR_UNKNOWN_OBJECT);
	int code = none ? ERR_NOT_FOUND : sd_bus_error_get_errno(error);

	err_set(err, code ? code : EIO, "%s%s%s: systemd: %s", doing, unit ? " " : "",
		unit ? unit : "", error->message ? error->message : error->name);
	return -1;
}

/* ---- the connection ---- */

/* u id, o job, s unit, s result */
static int keep_job(sd_bus_message *message, void *data, sd_bus_error *error)
{
	struct systemd_bus *bus = data;
	const char *job, *unit, *result;
	uint32_t id;

	(void)error;
	if (sd_bus_message_read(message, "uoss", &id, &job, &unit, &result) < 0 || !bus->unit ||
	    strcmp(unit, bus->unit) != 0)
		return 0;
	str_format(bus->job, sizeof(bus->job), "%s", job);
	str_format(bus->result, sizeof(bus->result), "%s", result);
	return 0;
}

/* A place where a manager may be listening. */
struct address {
	bool user;
	const char *variable; /* holds the address itself, and is the only one then */
	const char *below;    /* a variable that the path is below, or NULL */
	const char *path;
	bool broker; /* a bus, where one must say hello */
};

/* clang-format off */
static const struct address addresses[] = {
	{ false, "DBUS_SYSTEM_BUS_ADDRESS",  NULL,              NULL,                          true },
	{ false, NULL,                       NULL,              "/run/systemd/private",        false },
	{ false, NULL,                       NULL,              "/run/dbus/system_bus_socket", true },
	{ true,  "DBUS_SESSION_BUS_ADDRESS", NULL,              NULL,                          true },
	{ true,  NULL,                       "XDG_RUNTIME_DIR", "/systemd/private",            false },
	{ true,  NULL,                       "XDG_RUNTIME_DIR", "/bus",                        true },
};

/* clang-format on */

/* The row's address as sd-bus takes it; NULL where the environment has none. */
static const char *address_text(const struct address *row, char text[TEXT_MAX])
{
	const char *below = row->below ? getenv(row->below) : "";

	if (row->variable)
		return getenv(row->variable);
	if (!below || str_format(text, TEXT_MAX, "unix:path=%s%s", below, row->path) < 0)
		return NULL;
	return text;
}

/* 0, or a negative errno. Only starts: the first call waits for the other side. */
static int dial(const struct address *row, const char *text, sd_bus **made)
{
	sd_bus *bus = NULL;
	int done = sd_bus_new(&bus);

	if (done >= 0)
		done = sd_bus_set_address(bus, text);
	if (done >= 0)
		done = sd_bus_set_bus_client(bus, row->broker);
	if (done >= 0)
		done = sd_bus_start(bus);
	if (done < 0)
		sd_bus_close_unref(bus);
	else
		*made = bus;
	return done;
}

static int explain_dial(bool user, const char *address, int code, struct err *err)
{
	errno = -code;
	err_sys(err, "reach %s%s%s", user ? "the user's systemd" : "systemd",
		*address ? " at " : "", address);
	if (user)
		return err_hint(err, "XDG_RUNTIME_DIR or DBUS_SESSION_BUS_ADDRESS must lead to it, "
				     "as in a login session (`systemctl --user status`)");
	return err_hint(err, "leave --systemd-cgroup out where systemd does not run");
}

static int connect_any(struct systemd_bus *bus, bool user, struct err *err)
{
	char tried[TEXT_MAX] = "";
	int done = -ENOENT;

	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		const struct address *row = &addresses[i];
		char room[TEXT_MAX];
		const char *text = row->user == user ? address_text(row, room) : NULL;

		if (!text)
			continue;
		done = dial(row, text, &bus->bus);
		str_format(tried, sizeof(tried), "%s", text);
		bus->broker = row->broker;
		if (done >= 0)
			return 0;
		if (row->variable)
			break;
	}
	return explain_dial(user, tried, done, err);
}

static void bus_close(struct systemd_bus *bus)
{
	drop_reply(bus);
	sd_bus_close_unref(bus->bus);
	free(bus);
}

static struct systemd_bus *bus_open(bool user, int timeout_ms, struct err *err)
{
	struct systemd_bus *bus = calloc(1, sizeof(*bus));

	if (!bus) {
		err_sys(err, "reach systemd");
		return NULL;
	}
	bus->timeout_ms = timeout_ms;
	if (connect_any(bus, user, err) == 0)
		return bus;
	bus_close(bus);
	return NULL;
}

/* ---- calls ---- */

static const char *bus_get(struct systemd_bus *bus, const char *unit, const char *property,
			   struct arena *arena, struct err *err)
{
	__attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *message = NULL;
	char *path = NULL;
	const char *text = NULL;
	int done = unit ? sd_bus_path_encode(OBJECT "/unit", unit, &path) : 0;

	if (done >= 0)
		done = sd_bus_message_new_method_call(bus->bus, &message, SERVICE,
						      path ? path : OBJECT,
						      "org.freedesktop.DBus.Properties", "Get");
	free(path);
	if (done >= 0)
		done = sd_bus_message_append(message, "ss", unit ? UNIT : MANAGER, property);
	if (done < 0) {
		fail(done, "ask systemd about", unit ? unit : property, err);
		return NULL;
	}
	if (call(bus, message, err) < 0 || check_reply(bus, "ask systemd about", unit, err) < 0)
		return NULL;
	done = sd_bus_message_read(bus->reply, "v", "s", &text);
	if (done < 0) {
		fail(done, "ask systemd about", property, err);
		return NULL;
	}
	text = arena_strdup(arena, text);
	if (!text)
		err_sys(err, "ask systemd about %s", property);
	return text;
}

static int append_property(sd_bus_message *message, const struct unit_property *property)
{
	const char *name = property->name;
	int done;

	switch (property->type) {
	case UNIT_BOOL:
		return sd_bus_message_append(message, "(sv)", name, "b", (int)property->number);
	case UNIT_NUMBER:
		return sd_bus_message_append(message, "(sv)", name, "t", property->number);
	case UNIT_TEXT:
		return sd_bus_message_append(message, "(sv)", name, "s", property->text);
	case UNIT_PID:
		return sd_bus_message_append(message, "(sv)", name, "au", 1,
					     (uint32_t)property->number);
	case UNIT_DEVICE:
		return sd_bus_message_append(message, "(sv)", name, "a(st)", 1, property->text,
					     property->number);
	case UNIT_MASK:
		break;
	}
	done = sd_bus_message_open_container(message, 'r', "sv");
	if (done >= 0)
		done = sd_bus_message_append(message, "s", name);
	if (done >= 0)
		done = sd_bus_message_open_container(message, 'v', "ay");
	if (done >= 0)
		done = sd_bus_message_append_array(message, 'y', property->bytes, property->length);
	if (done >= 0)
		done = sd_bus_message_close_container(message);
	return done < 0 ? done : sd_bus_message_close_container(message);
}

static int append_properties(sd_bus_message *message, const struct json_list *properties)
{
	const struct unit_property *items = properties->items;
	int done = sd_bus_message_open_container(message, 'a', "(sv)");

	for (size_t i = 0; done >= 0 && i < properties->count; i++) {
		if (!items[i].unknown)
			done = append_property(message, &items[i]);
	}
	return done < 0 ? done : sd_bus_message_close_container(message);
}

/* "Cannot set property NAME, or unknown property.": an older systemd. False for other answers. */
static bool mark_unknown(const struct systemd_bus *bus, struct json_list *properties)
{
	static const char begin[] = "Cannot set property ";
	struct unit_property *items = properties->items;
	const sd_bus_error *error = sd_bus_message_get_error(bus->reply);
	const char *name = error && error->message ? strstr(error->message, begin) : NULL;
	bool found = false;

	for (size_t i = 0; name && i < properties->count; i++) {
		size_t length = strlen(items[i].name);
		const char *at = name + strlen(begin);

		if (strncmp(at, items[i].name, length) != 0 || at[length] != ',')
			continue;
		found |= !items[i].unknown;
		items[i].unknown = true;
	}
	return found;
}

static int new_call(struct systemd_bus *bus, const char *method, sd_bus_message **message)
{
	return sd_bus_message_new_method_call(bus->bus, message, SERVICE, OBJECT, MANAGER, method);
}

static int call_start(struct systemd_bus *bus, const char *unit, const struct json_list *properties,
		      struct err *err)
{
	__attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *message = NULL;
	int done = new_call(bus, "StartTransientUnit", &message);

	if (done >= 0)
		done = sd_bus_message_append(message, "ss", unit, "fail");
	if (done >= 0)
		done = append_properties(message, properties);
	if (done >= 0)
		done = sd_bus_message_append(message, "a(sa(sv))", 0);
	return done < 0 ? fail(done, "start scope", unit, err) : call(bus, message, err);
}

static int call_simple(struct systemd_bus *bus, const char *method, const char *unit,
		       const char *mode, struct err *err)
{
	__attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *message = NULL;
	int done = new_call(bus, method, &message);

	if (done >= 0)
		done = sd_bus_message_append(message, "s", unit);
	if (done >= 0 && mode)
		done = sd_bus_message_append(message, "s", mode);
	return done < 0 ? fail(done, "talk to systemd about", unit, err) : call(bus, message, err);
}

/* Jobs are told by a signal; on the way there is no answer to wait for. */
static int listen_for_jobs(struct systemd_bus *bus, const char *unit, struct err *err)
{
	int done = bus->unit
			   ? 0
			   : sd_bus_match_signal_async(bus->bus, NULL, bus->broker ? SERVICE : NULL,
						       OBJECT, MANAGER, "JobRemoved", keep_job,
						       NULL, bus);

	bus->unit = unit;
	bus->job[0] = '\0';
	return done < 0 ? fail(done, "listen to systemd", NULL, err) : 0;
}

/* The job that the answer names. */
static int wait_for_job(struct systemd_bus *bus, const char *doing, struct err *err)
{
	const char *job;
	int done = sd_bus_message_read(bus->reply, "o", &job);

	if (done < 0)
		return fail(done, doing, bus->unit, err);
	begin_wait(bus);
	if (run_until(bus, job, err) < 0)
		return err_wrap(err, "%s %s", doing, bus->unit);
	if (strcmp(bus->result, "done") == 0)
		return 0;
	err_set(err, EIO, "%s %s: systemd's job ended with \"%s\"", doing, bus->unit, bus->result);
	return err_hint(err, "`journalctl -u %s` may tell why", bus->unit);
}

/* The unit of a container that has just ended may be on its way out, or lie there as failed. */
static bool retry_existing(struct systemd_bus *bus, const char *unit, int tries)
{
	const sd_bus_error *error = sd_bus_message_get_error(bus->reply);
	const struct timespec pause = { .tv_nsec = EXISTS_PAUSE_NS };

	if (!sd_bus_error_has_name(error, "org.freedesktop.systemd1.UnitExists") ||
	    tries >= EXISTS_TRIES)
		return false;
	if (call_simple(bus, "ResetFailedUnit", unit, NULL, NULL) < 0)
		return false;
	if (tries)
		nanosleep(&pause, NULL);
	return true;
}

static int bus_start(struct systemd_bus *bus, const char *unit, struct json_list *properties,
		     struct err *err)
{
	int tries = 0;

	if (listen_for_jobs(bus, unit, err) < 0)
		return -1;
	for (;;) {
		if (call_start(bus, unit, properties, err) < 0)
			return err_wrap(err, "start scope %s", unit);
		if (!sd_bus_message_get_error(bus->reply))
			return wait_for_job(bus, "start scope", err);
		if (mark_unknown(bus, properties))
			continue;
		struct err why = { 0 };

		check_reply(bus, "start scope", unit, &why);
		if (retry_existing(bus, unit, tries++))
			continue;
		if (err)
			*err = why;
		return -1;
	}
}

static int bus_set(struct systemd_bus *bus, const char *unit, struct json_list *properties,
		   struct err *err)
{
	for (;;) {
		__attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *message = NULL;
		int done = new_call(bus, "SetUnitProperties", &message);

		if (done >= 0)
			done = sd_bus_message_append(message, "sb", unit, 1);
		if (done >= 0)
			done = append_properties(message, properties);
		if (done < 0)
			return fail(done, "update scope", unit, err);
		if (call(bus, message, err) < 0)
			return err_wrap(err, "update scope %s", unit);
		if (!mark_unknown(bus, properties))
			return check_reply(bus, "update scope", unit, err);
	}
}

static int bus_attach(struct systemd_bus *bus, const char *unit, const char *below, int pid,
		      struct err *err)
{
	__attribute__((cleanup(sd_bus_message_unrefp))) sd_bus_message *message = NULL;
	int done = new_call(bus, "AttachProcessesToUnit", &message);

	if (done >= 0)
		done = sd_bus_message_append(message, "ssau", unit, below, 1, (uint32_t)pid);
	if (done < 0)
		return fail(done, "move a process into scope", unit, err);
	if (call(bus, message, err) < 0)
		return err_wrap(err, "move a process into scope %s", unit);
	return check_reply(bus, "move a process into scope", unit, err);
}

static int bus_stop(struct systemd_bus *bus, const char *unit, struct err *err)
{
	struct err why = { 0 };

	if (listen_for_jobs(bus, unit, err) < 0)
		return -1;
	if (call_simple(bus, "StopUnit", unit, "replace", err) < 0)
		return err_wrap(err, "stop scope %s", unit);
	if (check_reply(bus, "stop scope", unit, &why) == 0 &&
	    wait_for_job(bus, "stop scope", err) < 0)
		return -1;
	if (why.code && why.code != ERR_NOT_FOUND) {
		if (err)
			*err = why;
		return -1;
	}
	/* most often it is gone by now, which is as well */
	return call_simple(bus, "ResetFailedUnit", unit, NULL, err);
}

extern const struct systemd_ops masu_plugin_systemd;

__attribute__((visibility("default"))) const struct systemd_ops masu_plugin_systemd = {
	.open = bus_open,
	.close = bus_close,
	.get = bus_get,
	.start = bus_start,
	.set = bus_set,
	.attach = bus_attach,
	.stop = bus_stop,
};
