import TestCertificates
import Testing

@testable import TLS

@Suite struct TLSContextTests {
    @Test("each name is shown its certificate, others the first")
    func serverNames() throws {
        try withAuthority { authority in
            let certificates = [
                try authority.issue(["a.example"]), try authority.issue(["b.example", "*.c.example"]),
            ]
            var servers = TLSPolicy()
            servers.certificates = certificates
            let context = try TLSContext(server: servers, tickets: drawTickets())
            for name in ["a.example", "b.example", "x.c.example"] {
                var pair = try Pair(context, trusting: try authority.pem, serverName: name)
                try pair.settle()
                #expect(pair.client.phase == .open, "\(name)")
            }
            for name in ["c.example", "x.y.c.example", "d.example"] {
                var pair = try Pair(context, trusting: try authority.pem, serverName: name)
                #expect(throws: TLSFault.self, "\(name)") { try pair.settle() }
            }
        }
    }

    @Test("names are found in any case, and the first of a name has it")
    func names() {
        var names = ServerNames()
        names.add("a.example", place: 1)
        names.add("a.example", place: 2)
        names.add("*.example", place: 3)
        #expect(names.find("A.Example") == 1)
        #expect(names.find("b.EXAMPLE") == 3)
        #expect(names.find("example") == nil)
        #expect(names.find(".example") == nil)
        #expect(names.find("b.a.example") == nil)
    }

    @Test("two kinds of key for the same name stand side by side")
    func twoKinds() throws {
        try withAuthority { authority in
            let elliptic = try authority.issue(["localhost"])
            let rsa = try authority.issue(["localhost"], key: ["rsa:2048"])
            let context = try TLSContext(server: policy(elliptic, rsa), tickets: drawTickets())
            var pair = try Pair(context, trusting: try authority.pem)
            try pair.settle()
            #expect(pair.client.phase == .open)
        }
    }

    @Test("a foreign authority's certificate is not taken by a client, nor one for another name")
    func verification() throws {
        try withAuthority { authority in
            try withAuthority { other in
                let context = try TLSContext(
                    server: policy(try authority.issue(["localhost", "127.0.0.1"])),
                    tickets: drawTickets()
                )
                var foreign = try Pair(context, trusting: try other.pem)
                #expect(throws: TLSFault.self) { try foreign.settle() }
                var byNumber = try Pair(context, trusting: try authority.pem, serverName: "127.0.0.1")
                try byNumber.settle()
                #expect(byNumber.client.phase == .open)
                var misnamed = try Pair(context, trusting: try authority.pem, serverName: "127.0.0.2")
                #expect(throws: TLSFault.self) { try misnamed.settle() }
            }
        }
    }

    @Test("a client's certificate is verified, and says who it is")
    func clientCertificates() throws {
        try withAuthority { authority in
            try withAuthority { other in
                var servers = policy(try authority.issue(["localhost"]))
                servers.clientAuthorities = try authority.pem
                let optional = try TLSContext(server: servers, tickets: drawTickets())
                servers.requiresClientCertificate = true
                let required = try TLSContext(server: servers, tickets: drawTickets())
                let alice = try authority.issue([], subject: "/O=Example/CN=alice")
                for context in [optional, required] {
                    var known = try Pair(context, trusting: try authority.pem, certificate: alice)
                    try known.settle()
                    #expect(known.server.peerCertificate?.commonName == "alice")
                    var foreign = try Pair(
                        context,
                        trusting: try authority.pem,
                        certificate: try other.issue([], subject: "/CN=alice")
                    )
                    #expect(throws: TLSFault.self) { try foreign.settle() }
                }
                var nobody = try Pair(optional, trusting: try authority.pem)
                try nobody.settle()
                #expect(nobody.server.phase == .open)
                #expect(nobody.server.peerCertificate == nil)
                var unknown = try Pair(required, trusting: try authority.pem)
                #expect(throws: TLSFault.self) { try unknown.settle() }
                // A name that is two is none.
                var double = try Pair(
                    optional,
                    trusting: try authority.pem,
                    certificate: try authority.issue([], subject: "/CN=alice/CN=bob")
                )
                try double.settle()
                #expect(double.server.peerCertificate != nil)
                #expect(double.server.peerCertificate?.commonName == nil)
            }
        }
    }

    @Test("what cannot be used says so, and tells nothing of the key")
    func unusable() throws {
        try withAuthority { authority in
            let (one, other) = (try authority.issue(["a.example"]), try authority.issue(["b.example"]))
            let broken = [
                TLSCertificate(chain: one.chain, key: other.key, name: "one"),
                TLSCertificate(chain: [], key: one.key, name: "one"),
                TLSCertificate(chain: one.chain, key: [], name: "one"),
                TLSCertificate(chain: one.key, key: one.key, name: "one"),
                TLSCertificate(chain: Array(one.chain.dropLast(40)), key: one.key, name: "one"),
                TLSCertificate(
                    chain: one.chain + Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8),
                    key: one.key,
                    name: "one"
                ),
            ]
            for certificate in broken {
                #expect {
                    _ = try TLSContext(server: policy(certificate), tickets: drawTickets())
                } throws: { error in
                    "\(error)".hasPrefix("one")
                }
            }
            #expect(throws: TLSFault.self) { _ = try TLSContext(server: TLSPolicy(), tickets: drawTickets()) }
        }
    }

    @Test("keys follow from their secrets")
    func ticketKeys() {
        let secret = [UInt8](0..<32)
        let keys = TicketKeys(secrets: [secret, [1]])
        #expect(keys == TicketKeys(secrets: [secret, [1]]))
        #expect(keys.keys[0] != keys.keys[1])
        #expect(keys.keys[0].cipher != keys.keys[0].mac)
        #expect(TicketKeys.drawSecret() != TicketKeys.drawSecret())
    }
}
