internal import COpenSSL

/// What sessions of one kind have in common: certificates, keys, and what is agreed to.
///
/// Thread: that which made it. A session keeps the one that it began with, so another can take its place at any time.
///
/// There is no setting for what is agreed to: TLS 1.2 and 1.3, key exchange with forward secrecy, ciphers that authenticate what they
/// encrypt (RFC 9325 §4), no compression, no renegotiation, no early data.
public final class TLSContext {
    /// One for each certificate, or for two of different kinds for the same names. The first is what sessions are made from.
    private var contexts: [OpaquePointer] = []
    private var names = ServerNames()

    /// What tickets are sealed with.
    public var tickets: TicketKeys

    /// How long a ticket can be used, in seconds: as long as its key is there at least. RFC 8446 §4.6.1 allows seven days.
    private static let ticketSeconds = 21_600

    deinit { for context in contexts { SSL_CTX_free(context) } }

    // MARK: Servers

    /// Prepares what a listener shows.
    ///
    /// - Throws: for a certificate or key that cannot be read, or that do not belong together.
    public init(server policy: TLSPolicy, tickets: TicketKeys) throws(TLSFault) {
        self.tickets = tickets
        guard !policy.certificates.isEmpty else { throw TLSFault("there is no certificate to show") }
        var known: [(names: [String], kinds: Set<Int32>)] = []
        for certificate in policy.certificates {
            let chain = try CertificateChain(pem: certificate.chain, name: certificate.name)
            let (hostNames, kind) = (chain.hostNames, try chain.kind(named: certificate.name))
            // Two for the same names, one for new clients and one for old: OpenSSL chooses by what a client can verify.
            let sibling = known.firstIndex { $0.names == hostNames && !$0.kinds.contains(kind) }
            let place = sibling ?? contexts.count
            if sibling == nil {
                contexts.append(try Self.makeServer(policy, self))
                known.append((hostNames, []))
            }
            known[place].kinds.insert(kind)
            try chain.use(in: contexts[place], key: certificate.key, name: certificate.name)
            for name in hostNames { names.add(name, place: place) }
        }
    }

    private static func make(_ method: OpaquePointer?) throws(TLSFault) -> OpaquePointer {
        guard let context = SSL_CTX_new(method) else { throw .last("no context") }
        // An idle session has no buffers; and what is sealed may lie elsewhere the next time.
        copenssl_set_mode(context, Int(SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
        copenssl_set_session_cache_mode(context, Int(SSL_SESS_CACHE_OFF))
        SSL_CTX_set_security_level(context, 2)
        guard copenssl_set_min_version(context, TLS1_2_VERSION) == 1,
            SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1,
            SSL_CTX_set_ciphersuites(context, ciphersuites) == 1,
            copenssl_set_groups(context, "X25519:P-256:P-384") == 1,
            copenssl_set_signature_algorithms(context, signatureAlgorithms) == 1
        else {
            SSL_CTX_free(context)
            throw .last("what is agreed to")
        }
        return context
    }

    private static let ciphersuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

    private static let signatureAlgorithms =
        "ed25519:ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:"
        + "RSA+SHA256:RSA+SHA384:RSA+SHA512"

    private static func makeServer(_ policy: TLSPolicy, _ owner: TLSContext) throws(TLSFault) -> OpaquePointer {
        let context = try make(TLS_server_method())
        copenssl_set_server_options(context)
        copenssl_set_own_data(context, Unmanaged.passUnretained(owner).toOpaque())
        copenssl_set_server_name_callback(context, answerServerName, nil)
        copenssl_set_ticket_key_callback(context, prepareTicket)
        SSL_CTX_set_alpn_select_cb(context, chooseProtocol, nil)
        SSL_CTX_set_keylog_callback(context, noteSecret)
        SSL_CTX_set_timeout(context, ticketSeconds)
        // One is enough for who comes back once; a browser that opens several connections at once gets one with each.
        SSL_CTX_set_num_tickets(context, 1)
        // A ticket counts only where the same clients are trusted: a certificate in it is not verified again.
        let trusted = (policy.clientAuthorities ?? []) + [policy.requiresClientCertificate ? 1 : 0]
        var purpose = [UInt8](repeating: 0, count: 32)
        SHA256(trusted, trusted.count, &purpose)
        SSL_CTX_set_session_id_context(context, purpose, UInt32(clamping: purpose.count))
        do {
            if let authorities = policy.clientAuthorities {
                try trust(authorities, in: context, isServer: true)
                let mustShow = policy.requiresClientCertificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
                SSL_CTX_set_verify(context, SSL_VERIFY_PEER | mustShow, nil)
            }
            return context
        } catch {
            SSL_CTX_free(context)
            throw error
        }
    }

    private static func trust(_ pem: [UInt8], in context: OpaquePointer, isServer: Bool) throws(TLSFault) {
        let authorities = try CertificateChain(pem: pem, name: "the file of authorities")
        let store = SSL_CTX_get_cert_store(context)
        for authority in authorities.all {
            guard X509_STORE_add_cert(store, authority) == 1,
                !isServer || SSL_CTX_add_client_CA(context, authority) == 1
            else { throw .last("an authority") }
        }
    }

    // MARK: Clients

    /// Prepares what a client goes by.
    ///
    /// - Throws: for certificates or a key that cannot be used.
    public init(client policy: TLSClientPolicy) throws(TLSFault) {
        tickets = TicketKeys(secrets: [])
        let context = try Self.make(TLS_client_method())
        contexts = [context]
        copenssl_set_client_options(context)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        if let authorities = policy.authorities {
            try Self.trust(authorities, in: context, isServer: false)
        } else if SSL_CTX_set_default_verify_paths(context) != 1 {
            throw .last("the system's authorities")
        }
        if let certificate = policy.certificate {
            let chain = try CertificateChain(pem: certificate.chain, name: certificate.name)
            try chain.use(in: context, key: certificate.key, name: certificate.name)
        }
    }

    /// A session of this kind, as OpenSSL has it.
    func makeSession() -> OpaquePointer {
        guard let session = SSL_new(contexts[0]) else { fatalError("no memory for a session") }
        return session
    }

    // MARK: What OpenSSL asks

    /// The context that a session belongs to. It is there: the session's owner has it.
    fileprivate static func owner(of session: OpaquePointer?) -> TLSContext? {
        let data = copenssl_own_data(SSL_get_SSL_CTX(session))
        return data.map { Unmanaged<TLSContext>.fromOpaque($0).takeUnretainedValue() }
    }

    fileprivate func chooseCertificate(for session: OpaquePointer, _ name: String) -> Bool {
        guard let place = names.find(name) else { return false }
        if place != 0 { SSL_set_SSL_CTX(session, contexts[place]) }
        return true
    }
}

/// Shows the certificate for the name that a client asks for.
private func answerServerName(
    _ session: OpaquePointer?,
    _ alert: UnsafeMutablePointer<Int32>?,
    _ argument: UnsafeMutableRawPointer?
) -> Int32 {
    guard let session, let name = copenssl_server_name(session), let context = TLSContext.owner(of: session),
        let text = String(validatingCString: name)
    else { return SSL_TLSEXT_ERR_NOACK }
    return context.chooseCertificate(for: session, text) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK
}

/// Agrees to HTTP/1.1, and to nothing else: RFC 7301 §3.2.
private func chooseProtocol(
    _ session: OpaquePointer?,
    _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ chosenCount: UnsafeMutablePointer<UInt8>?,
    _ offered: UnsafePointer<UInt8>?,
    _ offeredCount: UInt32,
    _ argument: UnsafeMutableRawPointer?
) -> Int32 {
    let names = UnsafeBufferPointer(start: offered, count: Int(offeredCount))
    var place = 0
    while place < names.count {
        let (start, end) = (place + 1, place + 1 + Int(names[place]))
        guard end <= names.count else { break }
        if names[start..<end].elementsEqual("http/1.1".utf8) {
            chosen?.pointee = offered.map { $0 + start }
            chosenCount?.pointee = names[place]
            return SSL_TLSEXT_ERR_OK
        }
        place = end
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL
}

/// Keeps what a session's records are sealed with once it is agreed, for OpenSSL is not kept: `RecordLayer`. It is written nowhere.
private func noteSecret(_ session: OpaquePointer?, _ line: UnsafePointer<CChar>?) {
    guard let line, let records = TLSRecords.of(SSL_get_rbio(session)) else { return }
    records._withUnsafeGuaranteedRef { $0.note(secret: line) }
}

private func prepareTicket(
    _ session: OpaquePointer?,
    _ name: UnsafeMutablePointer<UInt8>?,
    _ start: UnsafeMutablePointer<UInt8>?,
    _ cipher: OpaquePointer?,
    _ mac: OpaquePointer?,
    _ isSealing: Int32
) -> Int32 {
    guard let context = TLSContext.owner(of: session), let name, let start, let cipher, let mac else { return -1 }
    return context.tickets.prepare(isSealing: isSealing == 1, name: name, start: start, cipher: cipher, mac: mac)
}

extension CertificateChain {
    /// What kind of key it has: RSA, EC, Ed25519.
    borrowing func kind(named name: String) throws(TLSFault) -> Int32 {
        guard let key = X509_get0_pubkey(leaf) else { throw .last("\(name): the key of the certificate") }
        return EVP_PKEY_get_base_id(key)
    }

    /// Has a context show it.
    borrowing func use(in context: OpaquePointer, key pem: [UInt8], name: String) throws(TLSFault) {
        guard let bio = BIO_new_mem_buf(pem, Int32(clamping: pem.count)) else { throw .last(name) }
        defer { BIO_free(bio) }
        // A password would be asked for at a terminal that a node has not.
        guard let key = PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil) else {
            throw .last("\(name): the private key cannot be read, or needs a password")
        }
        defer { EVP_PKEY_free(key) }
        guard SSL_CTX_use_certificate(context, leaf) == 1 else { throw .last("\(name): the certificate") }
        guard SSL_CTX_use_PrivateKey(context, key) == 1, SSL_CTX_check_private_key(context) == 1 else {
            throw .last("\(name): the private key is not that of the certificate")
        }
        for issuer in issuers where copenssl_add_chain_certificate(context, issuer) != 1 {
            throw .last("\(name): a certificate behind the first")
        }
    }
}
