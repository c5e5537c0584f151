/* OpenSSL 3, with functions for what it has as macros only. No logic lives here. */
#ifndef PERSEID_COPENSSL_SHIM_H
#define PERSEID_COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* ---- contexts ---- */

static inline int copenssl_set_min_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}

/* The server's order of ciphers, but ChaCha20 first for who has no AES in hardware and says so; no renegotiation. */
static inline void copenssl_set_server_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_COMPRESSION);
}

static inline void copenssl_set_client_options(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
}

static inline void copenssl_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }

static inline void copenssl_set_session_cache_mode(SSL_CTX *context, long mode) {
    SSL_CTX_set_session_cache_mode(context, mode);
}

static inline int copenssl_set_groups(SSL_CTX *context, const char *names) {
    return (int)SSL_CTX_set1_groups_list(context, names);
}

static inline int copenssl_set_signature_algorithms(SSL_CTX *context, const char *names) {
    return (int)SSL_CTX_set1_sigalgs_list(context, names);
}

/* Takes a reference of its own to the certificate. */
static inline int copenssl_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

static inline void copenssl_set_server_name_callback(SSL_CTX *context, int (*callback)(SSL *, int *, void *),
                                                     void *argument) {
    SSL_CTX_set_tlsext_servername_callback(context, callback);
    SSL_CTX_set_tlsext_servername_arg(context, argument);
}

static inline void copenssl_set_ticket_key_callback(SSL_CTX *context,
                                                    int (*callback)(SSL *, unsigned char *, unsigned char *,
                                                                    EVP_CIPHER_CTX *, EVP_MAC_CTX *, int)) {
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, callback);
}

static inline void copenssl_set_own_data(SSL_CTX *context, void *data) { SSL_CTX_set_app_data(context, data); }
static inline void *copenssl_own_data(SSL_CTX *context) { return SSL_CTX_get_app_data(context); }

/* ---- sessions ---- */

static inline int copenssl_set_server_name(SSL *session, const char *name) {
    return (int)SSL_set_tlsext_host_name(session, name);
}

static inline const char *copenssl_server_name(SSL *session) {
    return SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
}

/* ---- a BIO of ours ---- */

static inline void copenssl_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void copenssl_clear_retry(BIO *bio) { BIO_clear_retry_flags(bio); }
static inline int copenssl_control_flush(void) { return BIO_CTRL_FLUSH; }

/* ---- tickets ---- */

/* Sets the key of the HMAC with SHA-256 that authenticates a ticket. */
static inline int copenssl_set_ticket_mac(EVP_MAC_CTX *mac, const unsigned char *key, size_t count) {
    OSSL_PARAM parameters[3];
    char digest[] = "SHA256";
    parameters[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key, count);
    parameters[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0);
    parameters[2] = OSSL_PARAM_construct_end();
    return EVP_MAC_CTX_set_params(mac, parameters);
}

/* ---- certificates ---- */

/* How many names of one kind a certificate has as alternatives, and one of them; NULL where it is not of that kind. */
static inline int copenssl_names_count(const GENERAL_NAMES *names) { return names ? sk_GENERAL_NAME_num(names) : 0; }

static inline const ASN1_STRING *copenssl_dns_name(const GENERAL_NAMES *names, int place) {
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, place);
    return name->type == GEN_DNS ? name->d.dNSName : NULL;
}

static inline void copenssl_free_names(GENERAL_NAMES *names) { GENERAL_NAMES_free(names); }

static inline int copenssl_error_reason(unsigned long error) { return ERR_GET_REASON(error); }
static inline void copenssl_free(void *memory) { OPENSSL_free(memory); }

#endif
