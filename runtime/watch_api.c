/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions of masu-watch.h. */
#include "runtime/masu-watch.h"

#include "runtime/api.h"
#include "runtime/meter.h"
#include "runtime/watch.h"

int masu_meter_open(struct masu *masu, const char *const *names, unsigned int flags,
		    struct masu_meter **meter, struct masu_error *error)
{
	return meter_open(masu, names, flags, meter, api_error(error));
}

int masu_meter_read(struct masu_meter *meter, const struct masu_reading **first,
		    struct masu_error *error)
{
	return meter_read(meter, first, api_error(error));
}

void masu_meter_close(struct masu_meter *meter)
{
	meter_close(meter);
}

int masu_notify_open(struct masu *masu, const struct masu_notify_options *given,
		     struct masu_notify **notify, struct masu_error *error)
{
	struct err *err = api_error(error);
	struct masu_notify_options options;

	if (api_options(&options, sizeof(options), given, err) < 0)
		return -1;
	return watch_open(masu, &options, notify, err);
}

int masu_notify_fd(const struct masu_notify *notify)
{
	return watch_fd(notify);
}

int masu_notify_dispatch(struct masu_notify *notify, struct masu_error *error)
{
	return watch_dispatch(notify, api_error(error));
}

void masu_notify_close(struct masu_notify *notify)
{
	watch_close(notify);
}
