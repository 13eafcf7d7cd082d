/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-256 by libcrypto, which uses the processor's instructions for it. */
#include "storage/archive/digest.h"

#include <openssl/evp.h>
#include <stdio.h>

/* struct digest is libcrypto's context under another name. */
static EVP_MD_CTX *context(struct digest *digest)
{
	return (EVP_MD_CTX *)digest;
}

struct digest *digest_start(void)
{
	EVP_MD_CTX *digest = EVP_MD_CTX_new();

	if (digest && EVP_DigestInit_ex(digest, EVP_sha256(), NULL) == 1)
		return (struct digest *)digest;
	EVP_MD_CTX_free(digest);
	return NULL;
}

void digest_add(struct digest *digest, const void *data, size_t size)
{
	EVP_DigestUpdate(context(digest), data, size);
}

static void to_hex(const unsigned char *bytes, unsigned int size, char hex[65])
{
	hex[0] = '\0';
	for (unsigned int i = 0; i < size; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

void digest_end(struct digest *digest, char hex[65])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned int size = 0;

	if (EVP_DigestFinal_ex(context(digest), bytes, &size) != 1)
		size = 0;
	to_hex(bytes, size, hex);
}

void digest_free(struct digest *digest)
{
	EVP_MD_CTX_free(context(digest));
}

void digest_once(const void *data, size_t size, char hex[65])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned int length = 0;

	if (EVP_Digest(data, size, bytes, &length, EVP_sha256(), NULL) != 1)
		length = 0;
	to_hex(bytes, length, hex);
}
