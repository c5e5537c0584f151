/// A channel or session on its way from its former master to the one that has it from now on, and what is asked about it meanwhile.
///
/// Thread: owned by the uplink. What one connection publishes stays in order: what was sent to the former master comes back first, if that
/// was late, and what was asked since follows it.
struct RedisJourney {
    var detour: RedisDetour

    /// Idempotency keys that go along.
    var endings: [String]

    /// Whether the new master has it.
    var hasArrived = false
}
