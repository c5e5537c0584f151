/// What a listener with TLS is told.
public struct TLSPolicy: Sendable, Equatable {
    /// Those that it shows; the first to clients that ask for no name, or for one that none is for.
    public var certificates: [TLSCertificate] = []

    /// Authorities, as PEM, that certificates of clients may be issued by. None: clients are asked for none.
    public var clientAuthorities: [UInt8]?

    /// Whether a client must show one.
    public var requiresClientCertificate = false

    /// Whether the kernel is asked to seal what is sent.
    public var asksKernel = false

    /// Nothing to show.
    public init() {}
}

/// What a client with TLS is told.
public struct TLSClientPolicy: Sendable, Equatable {
    /// Authorities, as PEM, that the server's certificate may be issued by; `nil` for those that the system trusts.
    public var authorities: [UInt8]?

    /// What it shows a server that asks.
    public var certificate: TLSCertificate?

    /// The system's authorities, and nothing to show.
    public init() {}
}
