/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Talking to nf_tables: one transaction in one sendmsg, single questions, and dumps. */
#include "net/nftables/table.h"

#include <errno.h>
#include <libnftnl/common.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/err.h"

enum {
	MESSAGE_MAX = 128 * 1024, /* more than a list attribute can hold */
	ANSWER_SIZE = 32768,
};

/* Room for one more message; the batch may move. */
static bool make_room(struct batch *batch)
{
	if (batch->room - batch->used >= MESSAGE_MAX)
		return true;
	size_t room = 2 * batch->room + 2 * MESSAGE_MAX;
	char *more = realloc(batch->data, room);

	if (!more) {
		batch->failed = true;
		return false;
	}
	batch->data = more;
	batch->room = room;
	return true;
}

int batch_begin(struct firewall *firewall, struct batch *batch, struct err *err)
{
	*batch = (struct batch){ .first = firewall->sequence + 1, .next = firewall->sequence + 1 };
	if (!make_room(batch))
		return err_sys(err, "build firewall batch");
	nftnl_batch_begin(batch->data, batch->next++);
	batch->used = ((struct nlmsghdr *)batch->data)->nlmsg_len;
	return 0;
}

struct nlmsghdr *batch_message(struct batch *batch, uint16_t type, uint16_t flags)
{
	if (!make_room(batch))
		return NULL;
	return nftnl_nlmsg_build_hdr(batch->data + batch->used, type, NFPROTO_INET, flags,
				     batch->next++);
}

void batch_commit(struct batch *batch, const struct nlmsghdr *message)
{
	batch->used += MNL_ALIGN(message->nlmsg_len);
}

/* All answers are in the socket's queue when sendmsg returns: errors of single messages, nothing
 * when all went well. */
static int read_refusals(struct firewall *firewall, const struct batch *batch)
{
	char buffer[ANSWER_SIZE];
	int code = 0;

	for (;;) {
		ssize_t size = recv(mnl_socket_get_fd(firewall->socket), buffer, sizeof(buffer),
				    MSG_DONTWAIT);

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return errno == EAGAIN ? code : errno;
		int left = (int)size;
		const struct nlmsghdr *message = (const struct nlmsghdr *)buffer;

		for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
			const struct nlmsgerr *answer = mnl_nlmsg_get_payload(message);

			if (message->nlmsg_type == NLMSG_ERROR &&
			    message->nlmsg_seq - batch->first < batch->next - batch->first &&
			    answer->error && !code)
				code = -answer->error;
		}
	}
}

void batch_drop(struct batch *batch)
{
	free(batch->data);
	*batch = (struct batch){ 0 };
}

int batch_send(struct firewall *firewall, struct batch *batch, const char *what, struct err *err)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int code = ENOMEM;

	if (!batch->failed && make_room(batch)) {
		int size;

		nftnl_batch_end(batch->data + batch->used, batch->next++);
		batch->used += ((struct nlmsghdr *)(batch->data + batch->used))->nlmsg_len;
		size = (int)batch->used * 2;
		setsockopt(mnl_socket_get_fd(firewall->socket), SOL_SOCKET, SO_SNDBUFFORCE, &size,
			   sizeof(size));
		ssize_t sent = sendto(mnl_socket_get_fd(firewall->socket), batch->data, batch->used,
				      0, (struct sockaddr *)&kernel, sizeof(kernel));

		code = sent < 0 ? errno : read_refusals(firewall, batch);
	}
	firewall->sequence = batch->next;
	batch_drop(batch);
	if (!code)
		return 0;
	errno = code;
	return err_sys(err, "%s", what);
}

int table_ask(struct firewall *firewall, struct nlmsghdr *request, mnl_cb_t take, void *data)
{
	char buffer[ANSWER_SIZE];

	request->nlmsg_seq = ++firewall->sequence;
	if (mnl_socket_sendto(firewall->socket, request, request->nlmsg_len) < 0)
		return errno;
	for (;;) {
		ssize_t size = mnl_socket_recvfrom(firewall->socket, buffer, sizeof(buffer));

		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return errno;
		int more = mnl_cb_run(buffer, (size_t)size, firewall->sequence,
				      mnl_socket_get_portid(firewall->socket), take, data);

		if (more < 0)
			return errno;
		if (more == MNL_CB_STOP)
			return 0;
	}
}
