import Edge
import Foundation
import TLS

/// Files that the settings name: who may read those with secrets, and how long certificates last.
struct FileDiagnosis {
    private(set) var findings: [Finding] = []

    /// Let's Encrypt renews what has 30 days left, so one with less than half of that was not renewed.
    static let certificateDaysMin: UInt64 = 14

    static let dayMilliseconds: UInt64 = 86_400_000

    /// Looks at them; `now` is in milliseconds since 1970.
    init(_ settings: Settings, now: UInt64) {
        for path in settings.secretFiles.sorted() where Self.isReadByAll(path) {
            findings.append(
                .warning(
                    path,
                    "every user of this machine may read its secrets",
                    cure: "chgrp perseid \(path) && chmod 640 \(path)"
                )
            )
        }
        let reload = "send the node SIGHUP (systemctl reload perseid)"
        for certificate in settings.edge.tls?.policy.certificates ?? [] { judge(certificate, reload, now) }
        if let shown = settings.redisCertificate {
            let certificate = TLSCertificate(chain: shown.bytes, key: [], name: shown.path)
            judge(certificate, "restart the node, which shows it to Redis", now)
        }
    }

    private static func isReadByAll(_ path: String) -> Bool {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let rights = attributes?[.posixPermissions] as? Int else { return false }
        return rights & 0o004 != 0
    }

    private mutating func judge(_ certificate: TLSCertificate, _ use: String, _ now: UInt64) {
        // Settings with one that cannot be read were refused.
        guard let end = try? certificate.endMilliseconds() else { return }
        let cure = "renew it and \(use); see why it was not renewed by itself"
        if end <= now {
            findings.append(.trouble(certificate.name, "the certificate has expired", cure: cure))
        } else if end - now < Self.certificateDaysMin * Self.dayMilliseconds {
            let days = (end - now) / Self.dayMilliseconds
            findings.append(.warning(certificate.name, "the certificate expires in \(days) days", cure: cure))
        }
    }
}
