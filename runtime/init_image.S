/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* masu-init's bytes as read-only data of the library. */
	.section .rodata
	.global init_image_start
	.hidden init_image_start
	.global init_image_end
	.hidden init_image_end
	.balign 4096
init_image_start:
	.incbin INIT_IMAGE
init_image_end:
	.section .note.GNU-stack,"",%progbits
