import Edge
import TLS

extension SettingTable {
    /// Where clients come in with TLS.
    static let security: [Setting] = [
        Setting(
            "tls.listen",
            usual: "none",
            "where clients come in with TLS, beside listen; 127.0.0.1:8443. Beyond loopback as listen",
            take: { value, settings throws(SettingsError) in try settings.takeSecureListen(value) },
            show: {
                $0.secureListen.map { $0.host.contains(":") ? "[\($0.host)]:\($0.port)" : "\($0.host):\($0.port)" }
                    ?? "none"
            }
        ),
        Setting(
            "tls.certificates",
            usual: "none",
            "files, as maps: certificate (with those that lead to a root) and key; in one text cert.pem=key.pem. Several by name",
            take: { value, settings throws(SettingsError) in try settings.takeCertificates(value) },
            show: { $0.certificates.isEmpty ? "none" : $0.certificates.map(\.chain).joined(separator: ",") }
        ),
        Setting(
            "tls.client-ca",
            usual: "none",
            "file with authorities of clients: the common name of a certificate that they issued is the user",
            take: { value, settings throws(SettingsError) in try settings.takeClientAuthorities(value) },
            show: { $0.clientAuthorities ?? "none" }
        ),
        Setting(
            "tls.require-client-certificate",
            usual: "false",
            "let nobody in by TLS who shows no such certificate",
            take: { value, settings throws(SettingsError) in settings.requiresClientCertificate = try value.flag() },
            show: { "\($0.requiresClientCertificate)" }
        ),
        Setting(
            "tls.kernel",
            usual: "false",
            "have Linux encrypt what is sent by TLS 1.3, where it has the module tls: not tried on such a kernel yet",
            take: { value, settings throws(SettingsError) in settings.asksKernel = try value.flag() },
            show: { "\($0.asksKernel)" }
        ),
    ]
}
