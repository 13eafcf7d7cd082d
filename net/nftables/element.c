/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Elements of the table's sets and maps: published ports with their owner as comment, and networks.
 */
#include "net/nftables/table.h"

#include <errno.h>
#include <libnftnl/common.h>
#include <libnftnl/udata.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

enum {
	ELEMENTS_MAX = 400, /* in one message: their list is an attribute of at most 64 KiB */
};

/* A set to collect elements in; sent, and emptied, when full. */
struct collection {
	struct batch *batch;
	uint16_t type;
	enum set_id id;
	struct nftnl_set *set;
	size_t count;
};

static void flush(struct collection *collection)
{
	bool adds = collection->type == NFT_MSG_NEWSETELEM;

	if (collection->set && collection->count) {
		struct nlmsghdr *message = batch_message(collection->batch, collection->type,
							 adds ? NLM_F_CREATE | NLM_F_EXCL : 0);

		if (message) {
			nftnl_set_elems_nlmsg_build_payload(message, collection->set);
			batch_commit(collection->batch, message);
		}
	}
	if (collection->set)
		nftnl_set_free(collection->set);
	collection->set = NULL;
	collection->count = 0;
}

static struct nftnl_set_elem *add_element(struct collection *collection, const void *key,
					  const void *key_end)
{
	const struct set_row *row = &set_rows[collection->id];

	if (collection->count == ELEMENTS_MAX)
		flush(collection);
	if (!collection->set) {
		collection->set = nftnl_set_alloc();
		if (collection->set) {
			nftnl_set_set_str(collection->set, NFTNL_SET_TABLE, FIREWALL_TABLE);
			nftnl_set_set_str(collection->set, NFTNL_SET_NAME, row->name);
			nftnl_set_set_u32(collection->set, NFTNL_SET_ID,
					  (uint32_t)collection->id + 1);
		}
	}
	struct nftnl_set_elem *element = collection->set ? nftnl_set_elem_alloc() : NULL;

	if (!element) {
		collection->batch->failed = true;
		return NULL;
	}
	nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, key, set_key_size(row));
	if (key_end)
		nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY_END, key_end, set_key_size(row));
	nftnl_set_elem_add(collection->set, element);
	collection->count++;
	return element;
}

/* ---- ports ---- */

static bool is_shifted(const struct firewall_port *port)
{
	return port->port != port->first;
}

/* Which map serves it: one element for a range whose ports stay the same, else one element a port.
 */
static enum set_id map_for(const struct firewall_port *port)
{
	bool six = port->address.family == AF_INET6;

	if (port->first != port->last && !is_shifted(port))
		return six ? SET_PUB6_RANGE : SET_PUB4_RANGE;
	if (ip_is_any(&port->host))
		return six ? SET_PUB6 : SET_PUB4;
	return six ? SET_PUB6_HOST : SET_PUB4_HOST;
}

/* Fields one behind the other, each filled up to a multiple of four bytes. */
struct fields {
	uint8_t bytes[48];
	size_t used;
};

static void put_field(struct fields *fields, const void *data, size_t size)
{
	memcpy(fields->bytes + fields->used, data, size);
	fields->used += (size + 3) / 4 * 4;
}

static void put_number(struct fields *fields, unsigned int port)
{
	uint16_t big = htons((uint16_t)port);

	put_field(fields, &big, sizeof(big));
}

static struct fields make_key(const struct firewall_port *port, const struct ip_address *host,
			      unsigned int number)
{
	struct fields key = { 0 };
	uint8_t protocol = (uint8_t)port->protocol;

	if (host)
		put_field(&key, host->bytes, ip_size(port->address.family));
	put_field(&key, &protocol, 1);
	put_number(&key, number);
	return key;
}

static void set_comment(struct nftnl_set_elem *element, const char *owner)
{
	/* whole: gc takes what it reads here for the owner's name; the kernel keeps 256 bytes */
	struct nftnl_udata_buf *data = nftnl_udata_buf_alloc(256);
	char comment[NET_ID_MAX + 3];

	if (!data)
		return;
	str_format(comment, sizeof(comment), "c=%s", owner);
	if (nftnl_udata_put_strz(data, NFTNL_UDATA_SET_ELEM_COMMENT, comment))
		nftnl_set_elem_set(element, NFTNL_SET_ELEM_USERDATA, nftnl_udata_buf_data(data),
				   nftnl_udata_buf_len(data));
	nftnl_udata_buf_free(data);
}

static void add_port(struct collection *collection, const struct firewall_port *port,
		     unsigned int number)
{
	bool range = set_rows[collection->id].flags & NFT_SET_CONCAT, adds;
	bool any = ip_is_any(&port->host);
	struct ip_address last = port->host;
	struct fields value = { 0 }, key, end;

	/* a range on every address spans the whole address space */
	if (any)
		memset(last.bytes, 0xff, ip_size(port->address.family));
	key = make_key(port, any && !range ? NULL : &port->host, number);
	end = make_key(port, &last, port->last);
	adds = collection->type == NFT_MSG_NEWSETELEM;
	struct nftnl_set_elem *element =
		add_element(collection, key.bytes, range ? end.bytes : NULL);

	if (!element || !adds)
		return;
	put_field(&value, port->address.bytes, ip_size(port->address.family));
	if (!range)
		put_number(&value, port->port + number - port->first);
	nftnl_set_elem_set(element, NFTNL_SET_ELEM_DATA, value.bytes, (uint32_t)value.used);
	set_comment(element, port->owner);
}

/* ---- ports that are published for some only ---- */

static bool is_guarded(const struct firewall_port *port, enum set_id id)
{
	bool six = id == SET_GUARD6 || id == SET_ALLOW6;

	return port->allowed_count && (port->address.family == AF_INET6) == six;
}

/* Where the intervals of one publishing begin and end: [source .] host address . protocol . port.
 */
static void add_guard(struct collection *collection, const struct firewall_port *port,
		      const struct ip_prefix *source)
{
	struct ip_address last = port->host, source_last;
	struct fields from, to, key = { 0 }, end = { 0 };

	if (ip_is_any(&port->host))
		memset(last.bytes, 0xff, ip_size(port->address.family));
	from = make_key(port, &port->host, port->first);
	to = make_key(port, &last, port->last);
	if (source) {
		source_last = ip_last(source);
		put_field(&key, ip_network(source).address.bytes, ip_size(source_last.family));
		put_field(&end, source_last.bytes, ip_size(source_last.family));
	}
	put_field(&key, from.bytes, from.used);
	put_field(&end, to.bytes, to.used);
	struct nftnl_set_elem *element = add_element(collection, key.bytes, end.bytes);

	if (element && collection->type == NFT_MSG_NEWSETELEM)
		set_comment(element, port->owner);
}

/* The kernel refuses intervals that overlap: a prefix inside another one of the list adds nothing
 * anyway. */
static bool is_covered(const struct firewall_port *port, size_t at)
{
	const struct ip_prefix *own = &port->allowed[at];

	for (size_t i = 0; i < port->allowed_count; i++) {
		const struct ip_prefix *other = &port->allowed[i];

		if (i != at && ip_contains(other, &own->address) &&
		    (other->length < own->length || (other->length == own->length && i < at)))
			return true;
	}
	return false;
}

static void put_guards(struct batch *batch, uint16_t type, const struct firewall_port *ports,
		       size_t count)
{
	for (int id = SET_GUARD4; id <= SET_ALLOW6; id++) {
		struct collection collection = { .batch = batch,
						 .type = type,
						 .id = (enum set_id)id };
		bool allow = id == SET_ALLOW4 || id == SET_ALLOW6;

		for (size_t i = 0; i < count; i++) {
			const struct firewall_port *port = &ports[i];

			if (!is_guarded(port, collection.id))
				continue;
			if (!allow)
				add_guard(&collection, port, NULL);
			for (size_t j = 0; allow && j < port->allowed_count; j++) {
				if (port->allowed[j].address.family == port->address.family &&
				    !is_covered(port, j))
					add_guard(&collection, port, &port->allowed[j]);
			}
		}
		flush(&collection);
	}
}

/* ---- both ---- */

static void put_ports(struct batch *batch, uint16_t type, const struct firewall_port *ports,
		      size_t count)
{
	for (int id = SET_PUB4; id <= SET_PUB6_RANGE; id++) {
		struct collection collection = { .batch = batch,
						 .type = type,
						 .id = (enum set_id)id };

		for (size_t i = 0; i < count; i++) {
			unsigned int last = ports[i].last;

			if (map_for(&ports[i]) != collection.id)
				continue;
			if (!is_shifted(&ports[i]))
				last = ports[i].first;
			for (unsigned int at = ports[i].first; at <= last; at++)
				add_port(&collection, &ports[i], at);
		}
		flush(&collection);
	}
	put_guards(batch, type, ports, count);
}

void element_add_ports(struct batch *batch, const struct firewall_port *ports, size_t count)
{
	put_ports(batch, NFT_MSG_NEWSETELEM, ports, count);
}

void element_remove_ports(struct batch *batch, uint16_t type, const struct firewall_port *ports,
			  size_t count)
{
	put_ports(batch, type, ports, count);
}

/* ---- networks ---- */

/* An interval of a plain set: its first address, and the one behind its last. */
static void add_subnet(struct batch *batch, uint16_t type, enum set_id id,
		       const struct ip_prefix *subnet)
{
	struct collection collection = { .batch = batch, .type = type, .id = id };
	struct ip_address behind = ip_last(subnet);

	for (size_t i = ip_size(behind.family); i-- && ++behind.bytes[i] == 0;)
		;
	add_element(&collection, subnet->address.bytes, NULL);
	struct nftnl_set_elem *end = add_element(&collection, behind.bytes, NULL);

	if (end)
		nftnl_set_elem_set_u32(end, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	flush(&collection);
}

static void add_bridge(struct batch *batch, uint16_t type, enum set_id id, const char *bridge,
		       const char *chain)
{
	struct collection collection = { .batch = batch, .type = type, .id = id };
	char name[16] = "";

	str_format(name, sizeof(name), "%s", bridge);
	struct nftnl_set_elem *element = add_element(&collection, name, NULL);

	if (element && chain && type == NFT_MSG_NEWSETELEM) {
		nftnl_set_elem_set_u32(element, NFTNL_SET_ELEM_VERDICT, (uint32_t)NFT_JUMP);
		nftnl_set_elem_set_str(element, NFTNL_SET_ELEM_CHAIN, chain);
	}
	flush(&collection);
}

void element_network(struct batch *batch, uint16_t type, const struct firewall_network *network)
{
	char in[CHAIN_NAME_MAX], out[CHAIN_NAME_MAX];

	table_chain_name("in", network->bridge, in);
	table_chain_name("out", network->bridge, out);
	for (size_t i = 0; i < network->subnet_count; i++) {
		const struct ip_prefix *subnet = &network->subnets[i];
		bool six = subnet->address.family == AF_INET6;

		add_subnet(batch, type, six ? SET_NETS6 : SET_NETS4, subnet);
		if (network->masquerade)
			add_subnet(batch, type, six ? SET_MASQ6 : SET_MASQ4, subnet);
	}
	add_bridge(batch, type, SET_BRIDGES, network->bridge, NULL);
	add_bridge(batch, type, SET_FWD_IN, network->bridge, in);
	add_bridge(batch, type, SET_FWD_OUT, network->bridge, out);
}

/* ---- elements without an owner ---- */

/* One dump: the elements of a map that are to go, collected as they come in. */
struct sweep {
	enum set_id id;
	bool (*judge)(const char *owner, const char *map, void *data);
	void *data;
	struct collection dead;
	struct batch batch;
};

static int find_comment(const struct nftnl_udata *attr, void *data)
{
	const char **comment = data;
	uint8_t length = nftnl_udata_len(attr);

	if (nftnl_udata_type(attr) == NFTNL_UDATA_SET_ELEM_COMMENT && length &&
	    ((const char *)nftnl_udata_get(attr))[length - 1] == '\0')
		*comment = nftnl_udata_get(attr);
	return 0;
}

static int judge_element(struct nftnl_set_elem *element, void *data)
{
	struct sweep *sweep = data;
	const char *comment = NULL;
	uint32_t size, end_size;
	const void *user = nftnl_set_elem_get(element, NFTNL_SET_ELEM_USERDATA, &size);

	if (user)
		nftnl_udata_parse(user, size, find_comment, &comment);
	if (!comment || !str_starts(comment, "c=") ||
	    !sweep->judge(comment + 2, set_rows[sweep->id].name, sweep->data))
		return 0;
	const void *key = nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &size);
	const void *end = nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY_END, &end_size);

	if (key && size == set_key_size(&set_rows[sweep->id]))
		add_element(&sweep->dead, key, end && end_size == size ? end : NULL);
	return 0;
}

static int take_elements(const struct nlmsghdr *message, void *data)
{
	struct nftnl_set *set = nftnl_set_alloc();

	if (!set)
		return MNL_CB_ERROR;
	if (nftnl_set_elems_nlmsg_parse(message, set) == 0)
		nftnl_set_elem_foreach(set, judge_element, data);
	nftnl_set_free(set);
	return MNL_CB_OK;
}

static int ask_elements(struct firewall *firewall, struct sweep *sweep)
{
	char buffer[512];
	struct nftnl_set *set = nftnl_set_alloc();
	struct nlmsghdr *request =
		nftnl_nlmsg_build_hdr(buffer, NFT_MSG_GETSETELEM, NFPROTO_INET, NLM_F_DUMP, 0);

	if (!set)
		return ENOMEM;
	nftnl_set_set_str(set, NFTNL_SET_TABLE, FIREWALL_TABLE);
	nftnl_set_set_str(set, NFTNL_SET_NAME, set_rows[sweep->id].name);
	nftnl_set_elems_nlmsg_build_payload(request, set);
	nftnl_set_free(set);
	return table_ask(firewall, request, take_elements, sweep);
}

int element_sweep(struct firewall *firewall,
		  bool (*judge)(const char *owner, const char *map, void *data), void *data,
		  struct err *err)
{
	for (int id = SET_PUB4; id <= SET_ALLOW6; id++) {
		struct sweep sweep = { .id = (enum set_id)id, .judge = judge, .data = data };

		if (batch_begin(firewall, &sweep.batch, err) < 0)
			return -1;
		sweep.dead = (struct collection){ .batch = &sweep.batch,
						  .type = NFT_MSG_DELSETELEM,
						  .id = sweep.id };
		int code = ask_elements(firewall, &sweep);
		bool any = sweep.dead.count > 0 || sweep.batch.next - sweep.batch.first > 1;

		flush(&sweep.dead);
		if (code || !any) {
			batch_drop(&sweep.batch);
			if (!code || code == ENOENT) /* nothing to do, or no table */
				continue;
			errno = code;
			return err_sys(err, "list firewall map %s", set_rows[id].name);
		}
		firewall->removed = true;
		if (batch_send(firewall, &sweep.batch, "remove from firewall table", err) < 0)
			return -1;
	}
	return 0;
}
