/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The two ways to sockets and System V IPC on old architectures: libseccomp knows only one of them
 * by name. */
#include "security/seccomp_multiplex.h"

#include <seccomp.h>
#include <stddef.h>

enum column {
	COLUMN_X86,
	COLUMN_S390,
	COLUMN_PPC,
	COLUMN_MIPS,
	COLUMNS,
};

/* Direct numbers from each architecture's syscall table; socketcall has call numbers pseudo - 100,
 * ipc pseudo - 200. */
static const struct {
	int pseudo;
	int direct[COLUMNS];
} ways_rows[] = {
	/* clang-format off	i386  s390 powerpc mips o32 */
	{ __PNR_socket, { 359, 359, 326, 4183 } },
	{ __PNR_bind, { 361, 361, 327, 4169 } },
	{ __PNR_connect, { 362, 362, 328, 4170 } },
	{ __PNR_listen, { 363, 363, 329, 4174 } },
	{ __PNR_accept, { -1, -1, 330, 4168 } },
	{ __PNR_getsockname, { 367, 367, 331, 4172 } },
	{ __PNR_getpeername, { 368, 368, 332, 4171 } },
	{ __PNR_socketpair, { 360, 360, 333, 4184 } },
	{ __PNR_send, { -1, -1, 334, 4178 } },
	{ __PNR_recv, { -1, -1, 336, 4175 } },
	{ __PNR_sendto, { 369, 369, 335, 4180 } },
	{ __PNR_recvfrom, { 371, 371, 337, 4176 } },
	{ __PNR_shutdown, { 373, 373, 338, 4182 } },
	{ __PNR_setsockopt, { 366, 366, 339, 4181 } },
	{ __PNR_getsockopt, { 365, 365, 340, 4173 } },
	{ __PNR_sendmsg, { 370, 370, 341, 4179 } },
	{ __PNR_recvmsg, { 372, 372, 342, 4177 } },
	{ __PNR_accept4, { 364, 364, 344, 4334 } },
	{ __PNR_recvmmsg, { 337, 357, 343, 4335 } },
	{ __PNR_sendmmsg, { 345, 358, 349, 4343 } },
	{ __PNR_semop, { -1, -1, -1, -1 } },
	{ __PNR_semget, { 393, 393, 393, 4393 } },
	{ __PNR_semctl, { 394, 394, 394, 4394 } },
	{ __PNR_semtimedop, { -1, 392, 392, -1 } },
	{ __PNR_msgsnd, { 400, 400, 400, 4400 } },
	{ __PNR_msgrcv, { 401, 401, 401, 4401 } },
	{ __PNR_msgget, { 399, 399, 399, 4399 } },
	{ __PNR_msgctl, { 402, 402, 402, 4402 } },
	{ __PNR_shmat, { 397, 397, 397, 4397 } },
	{ __PNR_shmdt, { 398, 398, 398, 4398 } },
	{ __PNR_shmget, { 395, 395, 395, 4395 } },
	{ __PNR_shmctl, { 396, 396, 396, 4396 } },
	/* clang-format on */
};

static enum column column_of(uint32_t token)
{
	switch (token) {
	case SCMP_ARCH_X86:
		return COLUMN_X86;
	case SCMP_ARCH_S390:
	case SCMP_ARCH_S390X:
		return COLUMN_S390;
	case SCMP_ARCH_PPC:
	case SCMP_ARCH_PPC64:
	case SCMP_ARCH_PPC64LE:
		return COLUMN_PPC;
	case SCMP_ARCH_MIPS:
	case SCMP_ARCH_MIPSEL:
		return COLUMN_MIPS;
	default:
		return COLUMNS;
	}
}

bool seccomp_find_ways(uint32_t token, int pseudo, struct seccomp_ways *ways)
{
	enum column column = column_of(token);
	bool socket = pseudo > -200;

	if (column == COLUMNS)
		return false;
	for (size_t i = 0; i < sizeof(ways_rows) / sizeof(ways_rows[0]); i++) {
		if (ways_rows[i].pseudo != pseudo)
			continue;
		ways->direct = ways_rows[i].direct[column];
		ways->through =
			seccomp_syscall_resolve_name_arch(token, socket ? "socketcall" : "ipc");
		ways->call = -pseudo - (socket ? 100 : 200);
		return ways->through >= 0;
	}
	return false;
}
