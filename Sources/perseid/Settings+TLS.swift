import Backplane
import Edge
import Foundation
import TLS

// Where clients come in with TLS, and what they are shown.
extension Settings {
    mutating func takeSecureListen(_ value: SettingValue) throws(SettingsError) {
        secureListen = try value.place()
    }

    mutating func takeCertificates(_ value: SettingValue) throws(SettingsError) {
        var files: [CertificateFiles] = []
        for item in try value.items() {
            let pair = try item.certificateFiles()
            for path in [pair.chain, pair.key] where FileManager.default.contents(atPath: path) == nil {
                throw item.error("\(path) cannot be read")
            }
            files.append(pair)
        }
        guard !files.isEmpty else { throw value.error("is empty: give it a certificate, or leave it out") }
        certificates = files
    }

    mutating func takeClientAuthorities(_ value: SettingValue) throws(SettingsError) {
        let path = try value.text()
        guard FileManager.default.contents(atPath: path) != nil else { throw value.error("\(path) cannot be read") }
        clientAuthorities = path
    }

    /// Puts together what belongs together, and has a look whether it can be used.
    mutating func takeSecureListener(_ errors: inout [SettingsError]) {
        guard let place = secureListen else {
            let others = ["tls.certificates", "tls.client-ca", "tls.require-client-certificate", "tls.kernel"]
            for name in others where source(of: name) != .usual {
                errors.append(error(of: name, "is of no use without tls.listen"))
            }
            return
        }
        guard !certificates.isEmpty else { return errors.append(error(of: "tls.listen", "needs tls.certificates")) }
        guard clientAuthorities != nil || !requiresClientCertificate else {
            return errors.append(error(of: "tls.require-client-certificate", "needs tls.client-ca"))
        }
        do throws(TLSFault) {
            let policy = try readPolicy()
            try Self.check(policy)
            edge.tls = SecureListener(host: place.host, port: place.port, policy: policy)
        } catch {
            errors.append(self.error(of: "tls.certificates", "\(error)"))
        }
    }

    private func readPolicy() throws(TLSFault) -> TLSPolicy {
        var policy = TLSPolicy()
        policy.requiresClientCertificate = requiresClientCertificate
        policy.asksKernel = asksKernel
        if let clientAuthorities { policy.clientAuthorities = try Self.read(clientAuthorities) }
        for files in certificates {
            let (chain, key) = (try Self.read(files.chain), try Self.read(files.key))
            policy.certificates.append(TLSCertificate(chain: chain, key: key, name: files.chain))
        }
        return policy
    }

    private static func read(_ path: String) throws(TLSFault) -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else { throw TLSFault("\(path) cannot be read") }
        return Array(data)
    }

    private static func check(_ policy: TLSPolicy) throws(TLSFault) {
        _ = try TLSContext(server: policy, tickets: TicketKeys(secrets: []))
    }

    // MARK: Read anew

    /// Looks whether the files of certificates hold others than before, and takes them over if they can be used.
    ///
    /// - Throws: if they hold others that cannot be used, once for each such state. A key that is written behind its certificate is
    ///   the usual case, and found well the next time.
    mutating func readCertificatesAgain() throws(TLSFault) -> Bool {
        guard let known = edge.tls?.policy else { return false }
        let policy: TLSPolicy
        do throws(TLSFault) {
            policy = try readPolicy()
        } catch {
            // An empty one stands for files that cannot be read.
            if refusedPolicy == TLSPolicy() { return false }
            refusedPolicy = TLSPolicy()
            throw error
        }
        guard policy != refusedPolicy else { return false }
        refusedPolicy = nil
        guard policy != known else { return false }
        refusedPolicy = policy
        try Self.check(policy)
        refusedPolicy = nil
        edge.tls?.policy = policy
        return true
    }

    /// Takes over what another reading of the settings found to show.
    mutating func takeCertificates(of other: Settings) {
        guard let policy = other.edge.tls?.policy, edge.tls != nil else { return }
        (certificates, clientAuthorities) = (other.certificates, other.clientAuthorities)
        (requiresClientCertificate, asksKernel) = (other.requiresClientCertificate, other.asksKernel)
        edge.tls?.policy = policy
    }

    // MARK: Redis

    /// Puts together what a link to Redis with TLS needs, and has a look whether it can be used.
    mutating func takeRedisSecurity(_ errors: inout [SettingsError]) {
        guard redis?.isSecure == true || redisFormer.contains(where: \.isSecure) else {
            for name in ["ca", "certificate", "key", "server-name"].map({ "redis-tls.\($0)" })
            where source(of: name) != .usual {
                errors.append(error(of: name, "is of no use without redis: rediss://…"))
            }
            return
        }
        guard (redisCertificate == nil) == (redisKey == nil) else {
            let given = redisCertificate == nil ? "redis-tls.key" : "redis-tls.certificate"
            return errors.append(error(of: given, "needs redis-tls.certificate and redis-tls.key"))
        }
        var policy = TLSClientPolicy()
        policy.authorities = redisAuthorities?.bytes
        if let redisCertificate, let redisKey {
            let (chain, key, name) = (redisCertificate.bytes, redisKey.bytes, redisCertificate.path)
            policy.certificate = TLSCertificate(chain: chain, key: key, name: name)
        }
        do throws(TLSFault) {
            _ = try TLSContext(client: policy)
            redis?.secure(by: policy, serverName: redisServerName)
            for place in redisFormer.indices { redisFormer[place].secure(by: policy, serverName: redisServerName) }
        } catch {
            errors.append(self.error(of: "redis", "rediss:// cannot be used: \(error)"))
        }
    }

    private func error(of name: String, _ reason: String) -> SettingsError {
        SettingsError(name: name, source: source(of: name), reason: reason)
    }
}

/// A file that a setting names, and what it holds.
struct SettingFile {
    let path: String
    let bytes: [UInt8]
}

/// Where a certificate and its key are.
struct CertificateFiles: Equatable {
    let chain: String
    let key: String
}

extension SettingValue {
    /// A file, which is read.
    func file() throws(SettingsError) -> SettingFile {
        let path = try text()
        guard let data = FileManager.default.contents(atPath: path) else { throw error("\(path) cannot be read") }
        return SettingFile(path: path, bytes: Array(data))
    }

    /// A map, or in one text `cert.pem=key.pem`.
    fileprivate func certificateFiles() throws(SettingsError) -> CertificateFiles {
        guard case .map(let fields) = content else {
            let parts = try text().split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
                throw error("is neither a map with certificate and key nor CERTIFICATE=KEY")
            }
            return CertificateFiles(chain: String(parts[0]), key: String(parts[1]))
        }
        var paths: [String: String] = [:]
        for field in fields {
            guard ["certificate", "key"].contains(field.name) else {
                let nearest = NearestName.find(field.name, among: ["certificate", "key"])
                throw field.error("is nothing that a certificate has" + (nearest.map { "; did you mean \($0)?" } ?? ""))
            }
            paths[field.name] = try field.text()
        }
        guard let chain = paths["certificate"], let key = paths["key"] else {
            throw error("needs both certificate and key")
        }
        return CertificateFiles(chain: chain, key: key)
    }
}
