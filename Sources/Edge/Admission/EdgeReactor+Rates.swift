internal import Broker
internal import Reactor
internal import Text

// How often somebody may want something. What is over a limit is refused with the time after which it is not, before anything else is
// done for it.
extension EdgeReactor {
    /// Takes so many from what an address may have; else says how many milliseconds it has to wait. A proxy that does not say for
    /// whom it asks is nobody in particular.
    func wait(for metered: Metered, by address: PeerAddress, count: Int = 1) -> UInt64? {
        guard rates.has(metered, .address), !isTrusted(address) else { return nil }
        let wait = rates.take(count, of: metered, .address, hash: address.network.hashValue, now: reactor.now)
        return note(wait, metered, .address)
    }

    /// The same for who is known by a token or a key.
    func wait(for metered: Metered, by who: Credentials, count: Int = 1) -> UInt64? {
        guard rates.has(metered, .user), let name = who.key?.name ?? who.identity?.user else { return nil }
        var hasher = Hasher()
        hasher.combine(who.key == nil)
        hasher.combine(name)
        let wait = rates.take(count, of: metered, .user, hash: hasher.finalize(), now: reactor.now)
        return note(wait, metered, .user)
    }

    /// The same for both.
    func wait(for metered: Metered, _ slot: Slot, _ who: Credentials, count: Int = 1) -> UInt64? {
        wait(for: metered, by: address(of: slot), count: count) ?? wait(for: metered, by: who, count: count)
    }

    /// The same for a payload that is to be published.
    func waitToPublish(_ byteCount: Int, _ slot: Slot, _ who: Credentials) -> UInt64? {
        wait(for: .publish, slot, who) ?? wait(for: .publishBytes, slot, who, count: byteCount)
    }

    /// The same for channels that are to be read; a poll begins to read them anew.
    func waitToSubscribe(_ channelCount: Int, _ slot: Slot, _ who: Credentials) -> UInt64? {
        channelCount == 0 ? nil : wait(for: .subscribe, slot, who, count: channelCount)
    }

    private func note(_ nanoseconds: UInt64?, _ metered: Metered, _ scope: MeteredScope) -> UInt64? {
        guard let nanoseconds else { return nil }
        metrics.overLimit(metered, of: scope).add()
        return nanoseconds / 1_000_000 + 1
    }

    // MARK: Tokens

    /// A token is not taken: each costs a verification.
    func noteTokenRefused(_ slot: Slot) { _ = wait(for: .tokenRefused, by: address(of: slot)) }

    /// Whether so many came from an address that are none that no others are looked at for now.
    func showsTooManyTokens(_ slot: Slot) -> Bool {
        guard rates.has(.tokenRefused, .address) else { return false }
        let address = address(of: slot)
        let hash = address.network.hashValue
        guard !isTrusted(address), rates.wait(for: .tokenRefused, .address, hash: hash, now: reactor.now) != nil else {
            return false
        }
        metrics.overLimit(.tokenRefused, of: .address).add()
        return true
    }
}
