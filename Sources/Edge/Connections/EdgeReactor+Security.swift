internal import Backplane
internal import Broker
internal import DequeModule
internal import Hub
internal import Logging
internal import Reactor
internal import TLS
internal import Text

/// What a reactor has for connections with TLS.
///
/// Thread: its reactor's. Size: 64 KiB for what is received, and certificates as OpenSSL keeps them.
struct Security {
    /// What new connections are begun with.
    var context: TLSContext

    /// What all of them share.
    let records: TLSRecords

    /// What tickets are sealed with, unless the nodes share something else.
    var secrets: TicketSecrets

    /// Whether they do.
    var isShared = false
}

// Connections with TLS. A handshake takes as long as some fifty deliveries: those who have something to say in theirs wait in a line,
// and have a slice of time at the end of each turn, behind what is to be delivered.
extension EdgeReactor {
    // MARK: Handshakes

    /// Has a client wait whose handshake can go on.
    func putOffHandshake(_ key: SlabKey, _ readiness: Readiness) {
        connections[live: key.slot].pointee.traffic.insert(.isReadOverdue)
        overdueHandshakes.append((key, readiness))
    }

    /// Goes on with handshakes, for one slice of time. Says whether some are left.
    func shakeHands() -> Bool {
        guard !overdueHandshakes.isEmpty else { return false }
        let end = Clock.monotonicNanoseconds + limits.handshakeSliceMicroseconds * 1_000
        while let (key, readiness) = overdueHandshakes.popFirst() {
            guard let connection = connections.pointer(to: key) else { continue }
            connection.pointee.traffic.remove(.isReadOverdue)
            if !connection.pointee.isClosed { hear(key.slot, readiness) }
            if Clock.monotonicNanoseconds >= end { break }
        }
        metrics.tlsHandshakeWaits.add(overdueHandshakes.count)
        return !overdueHandshakes.isEmpty
    }

    /// Notes what came of bytes that a client with TLS sent.
    func noteSecurity(of slot: Slot, wasHandshaking: Bool) {
        let connection = connections[live: slot]
        if wasHandshaking, !connection.pointee.link.isHandshaking { endHandshake(slot) }
        if connection.pointee.link.hasUnsent, !connection.pointee.client.isBlocked { watch(slot) }
    }

    private func endHandshake(_ slot: Slot) {
        let connection = connections[live: slot]
        guard !connection.pointee.link.isBroken else { return metrics.tlsHandshakesFailed.add() }
        metrics.tlsHandshakes.add()
        if connection.pointee.link.isResumed { metrics.tlsHandshakesResumed.add() }
        if !connection.pointee.link.isSealedHere { metrics.tlsSealedByKernel.add() }
    }

    /// Whom the certificate names that a client showed in its handshake, while that is good.
    func certifiedIdentity(of slot: Slot) -> Identity? {
        guard let certificate = connections[live: slot].pointee.link.peerCertificate,
            let user = certificate.commonName, PrincipalName.isValid(user)
        else { return nil }
        let identity = Identity(user: user, endMilliseconds: certificate.endMilliseconds)
        return isGood(identity) ? identity : nil
    }

    // MARK: What was encrypted

    /// Sends what is encrypted for a client and was not taken. Says whether
    /// it now takes what else waits for it.
    func flushEncrypted(_ slot: Slot) -> Bool {
        let connection = connections[live: slot]
        if case .failed(let code) = connection.pointee.link.flush() {
            fail(slot, code)
            return false
        }
        guard !connection.pointee.link.hasUnsent else { return false }
        if !connection.pointee.client.isBlocked { watch(slot) }
        return connection.pointee.client.isBlocked
    }

    // MARK: Certificates and keys

    /// What a node starts with.
    static func makeSecurity(_ configuration: EdgeConfiguration) throws(SystemError) -> Security? {
        guard let tls = configuration.tls else { return nil }
        let secrets = TicketSecrets(seed: configuration.ticketSeed, atSeconds: Clock.realtimeMilliseconds / 1_000)
        do throws(TLSFault) {
            return Security(
                context: try TLSContext(server: tls.policy, tickets: secrets.keys),
                records: TLSRecords(asksKernel: tls.policy.asksKernel),
                secrets: secrets
            )
        } catch {
            throw .unusable("listen with TLS: \(error)")
        }
    }

    /// Shows other certificates from now on. Connections that are there keep what was agreed.
    func change(to policy: TLSPolicy) {
        guard let old = security?.context else { return }
        do throws(TLSFault) {
            security?.context = try TLSContext(server: policy, tickets: old.tickets)
            security?.records.asksKernel = policy.asksKernel
        } catch {
            logger.error("the certificates stay as they are", metadata: ["error": "\(error)"])
        }
    }

    /// Takes what all nodes seal tickets with.
    func shareTickets(_ secrets: [[UInt8]]) {
        security?.isShared = true
        security?.context.tickets = TicketKeys(secrets: secrets)
    }

    /// Once a second, looks whether it is time for another key.
    func turnTicketKeys() {
        guard security != nil, security?.isShared == false else { return }
        guard security?.secrets.advance(toSeconds: Clock.realtimeMilliseconds / 1_000) == true,
            let keys = security?.secrets.keys
        else { return }
        security?.context.tickets = keys
    }
}
