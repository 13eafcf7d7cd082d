/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of configs/ that masu carries inside, so that presets need nothing installed. */
#include "runtime/preset.h"

/* The assembler reads the file; its path counts from the root, where make runs. */
#define EMBED(name, path)                                                                          \
	extern const char name##_text[], name##_end[];                                             \
	__asm__(".pushsection .rodata." #name ",\"a\",%progbits\n"                                 \
		".hidden " #name "_text\n.globl " #name "_text\n" #name "_text:\n"                 \
		".incbin \"" path "\"\n"                                                           \
		".hidden " #name "_end\n.globl " #name "_end\n" #name "_end:\n"                    \
		".byte 0\n.popsection\n");                                                         \
	const struct preset_file name = { name##_text, name##_end }

EMBED(preset_default, "configs/preset-default.json");
EMBED(preset_seccomp, "configs/seccomp/default.json");
EMBED(preset_template_full, "configs/spec.json");
EMBED(preset_template_rootless, "configs/spec-rootless.json");
EMBED(preset_template_short, "configs/spec-short.json");
