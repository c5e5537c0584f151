import Edge
import TLS

extension SettingTable {
    /// Where clients come in with TLS.
    static let security: [Setting] = [
        Setting(
            "tls.listen",
            usual: "none",
            "address at which clients connect with TLS, besides listen, such as 127.0.0.1:8443; beyond loopback the same holds as for listen",
            take: { value, settings throws(SettingsError) in try settings.takeSecureListen(value) },
            show: {
                $0.secureListen.map { $0.host.contains(":") ? "[\($0.host)]:\($0.port)" : "\($0.host):\($0.port)" }
                    ?? "none"
            }
        ),
        Setting(
            "tls.certificates",
            usual: "none",
            "files with certificates, as maps of certificate (with those that lead to a root) and key, or cert.pem=key.pem in one text; the node chooses among several by the name that the client asks for",
            take: { value, settings throws(SettingsError) in try settings.takeCertificates(value) },
            show: { $0.certificates.isEmpty ? "none" : $0.certificates.map(\.chain).joined(separator: ",") }
        ),
        Setting(
            "tls.client-ca",
            usual: "none",
            "file with the authorities of client certificates: whoever shows a certificate that they issued is the user in its common name",
            take: { value, settings throws(SettingsError) in try settings.takeClientAuthorities(value) },
            show: { $0.clientAuthorities ?? "none" }
        ),
        Setting(
            "tls.require-client-certificate",
            usual: "false",
            "makes the node refuse clients that connect with TLS and show no such certificate",
            take: { value, settings throws(SettingsError) in settings.requiresClientCertificate = try value.flag() },
            show: { "\($0.requiresClientCertificate)" }
        ),
        Setting(
            "tls.kernel",
            usual: "false",
            "has Linux encrypt what the node sends by TLS 1.3, where the kernel has the module tls; this has not been tried on such a kernel yet",
            take: { value, settings throws(SettingsError) in settings.asksKernel = try value.flag() },
            show: { "\($0.asksKernel)" }
        ),
    ]
}
