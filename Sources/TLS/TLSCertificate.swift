internal import COpenSSL

/// A certificate with what leads from it to a root, and its private key: both as PEM.
public struct TLSCertificate: Sendable, Equatable {
    /// The certificate first, then those that issued each other, RFC 8446 §4.4.2.
    public let chain: [UInt8]

    /// The key, not encrypted.
    public let key: [UInt8]

    /// What messages call it: its file, say.
    public let name: String

    /// Takes what files hold. Whether it can be used is found out by a `TLSContext`.
    public init(chain: [UInt8], key: [UInt8], name: String) {
        (self.chain, self.key, self.name) = (chain, key, name)
    }

    /// When it ends, in milliseconds since 1970: the certificate itself, whatever those do that issued it.
    public func endMilliseconds() throws(TLSFault) -> UInt64 {
        let certificates = try CertificateChain(pem: chain, name: name)
        return PeerCertificate(certificates.leaf).endMilliseconds
    }
}

/// Certificates as OpenSSL has them.
///
/// Thread: that of the context it is made for.
struct CertificateChain: ~Copyable {
    /// In the order of the file; never empty.
    private let certificates: [OpaquePointer]

    /// Reads PEM.
    init(pem: [UInt8], name: String) throws(TLSFault) { certificates = try Self.read(pem, name) }

    private static func read(_ pem: [UInt8], _ name: String) throws(TLSFault) -> [OpaquePointer] {
        guard let bio = BIO_new_mem_buf(pem, Int32(clamping: pem.count)) else { throw .last(name) }
        defer { BIO_free(bio) }
        var found: [OpaquePointer] = []
        while let certificate = PEM_read_bio_X509(bio, nil, nil, nil) { found.append(certificate) }
        // What ends the list is that no more begins; all else is damage.
        let end = ERR_peek_last_error()
        guard !found.isEmpty, copenssl_error_reason(end) == PEM_R_NO_START_LINE else {
            for certificate in found { X509_free(certificate) }
            throw .last("\(name) holds no certificate, or one that cannot be read")
        }
        ERR_clear_error()
        return found
    }

    deinit { for certificate in certificates { X509_free(certificate) } }

    /// The one that all is about.
    var leaf: OpaquePointer { certificates[0] }

    /// Those that issued each other.
    var issuers: ArraySlice<OpaquePointer> { certificates.dropFirst() }

    /// All.
    var all: ArraySlice<OpaquePointer> { certificates[...] }

    /// The names of hosts that it is for, in lower case. One without any, as old ones are, has its common name.
    var hostNames: [String] {
        let alternatives = X509_get_ext_d2i(leaf, NID_subject_alt_name, nil, nil).map { OpaquePointer($0) }
        defer { copenssl_free_names(alternatives) }
        let names = (0..<copenssl_names_count(alternatives)).compactMap { place in
            copenssl_dns_name(alternatives, place).flatMap { Self.text($0) }
        }
        return (names.isEmpty ? [PeerCertificate.commonName(of: leaf)].compactMap { $0 } : names).map {
            $0.lowercased()
        }
    }

    private static func text(_ string: UnsafePointer<ASN1_STRING>) -> String? {
        guard let bytes = ASN1_STRING_get0_data(string) else { return nil }
        let count = Int(ASN1_STRING_length(string))
        return String(validating: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
}

/// What a peer's certificate says, which was verified.
public struct PeerCertificate: Sendable, Equatable {
    /// The common name of its subject, if there is exactly one.
    public let commonName: String?

    /// When it ends, in milliseconds since 1970.
    public let endMilliseconds: UInt64

    /// Reads OpenSSL's.
    init(_ certificate: OpaquePointer) {
        commonName = Self.commonName(of: certificate)
        endMilliseconds = Self.milliseconds(of: X509_get0_notAfter(certificate))
    }

    /// One name and no other: a subject with two could be taken for either. Nothing that has a zero byte in it, which could be cut there.
    static func commonName(of certificate: OpaquePointer) -> String? {
        guard let subject = X509_get_subject_name(certificate) else { return nil }
        let place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
        guard place >= 0, X509_NAME_get_index_by_NID(subject, NID_commonName, place) < 0,
            let entry = X509_NAME_get_entry(subject, place), let value = X509_NAME_ENTRY_get_data(entry)
        else { return nil }
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = ASN1_STRING_to_UTF8(&bytes, value)
        guard count > 0, let bytes else { return nil }
        defer { copenssl_free(bytes) }
        let text = String(validating: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
        return text.flatMap { $0.utf8.contains(0) ? nil : $0 }
    }

    private static func milliseconds(of time: UnsafePointer<ASN1_TIME>?) -> UInt64 {
        var (days, seconds): (Int32, Int32) = (0, 0)
        guard let epoch = ASN1_TIME_set(nil, 0) else { return 0 }
        defer { ASN1_STRING_free(epoch) }
        guard ASN1_TIME_diff(&days, &seconds, epoch, time) == 1, days >= 0, seconds >= 0 else { return 0 }
        return (UInt64(days) * 86_400 + UInt64(seconds)) * 1_000
    }
}
