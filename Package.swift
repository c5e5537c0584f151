// swift-tools-version: 6.2

import PackageDescription

// What each dependency is for, and why it is not written by hand here:
//
//   hiredis                 the reader of RESP of the Redis project; what is written, and the sockets, are ours.
//   liburing                many sends in one system call, where the kernel lets us.
//   simdjson                validates every JSON payload in place, at memory speed.
//   OpenSSL                 TLS, of the listener and of the links to Redis: the system's, which is kept up to date with the system. Not
//                           BoringSSL, which swift-nio-ssl brings along: that keeps no promise to those who build on it.
//   swift-collections       queues, and a table that grows a node at a time.
//   swift-argument-parser   the command line.
//   Yams                    the YAML file of settings, with line and column of every value. Not swift-configuration, which was
//                           here before: it takes what it cannot convert for absent, does not see names that nobody asks
//                           for, knows no places, and refuses lists of maps, so a node meant to be closed was open.
//   swift-log               structured logs.
//   jwt-kit                 the algorithms of JSON Web Tokens and the keys of JWK sets. Which key a token may have been signed with is
//                           decided here: there a key without `alg` is used for whatever the first token says, and one that no key
//                           is named for is tried with another.
//   swift-crypto            SHA-1 of the WebSocket handshake, constant-time comparison of keys, signatures of hooks.
//   zlib                    compresses what readers are sent and inflates what they send: the format that every client has, and the one
//                           library that flushes, resets and combines checksums as one stream for many readers needs it.
//   libcurl                 asks backends and fetches keys: proxies, TLS, HTTP/2 and kept connections are its business.
//
// TLS imports nothing but OpenSSL, and has neither sockets nor a clock. Text imports nothing, Wire only that, simdjson's shim and zlib,
// Broker only that, and Hub these three and the queue: they do no input or output, read no clock, and can be read, fuzzed and simulated
// alone.

// Generic code of one module is specialised in the next; and exclusive access, which debug builds and so all tests check at run time, is
// not checked a second time on the hot path (a fifth of its instructions, by callgrind).
//
// Nodes are built so, from this directory. A package that depends on this one by version may not have such flags in it: SwiftPM refuses
// them, as it must, for they can be anything. What is depended on by version is checked out in a directory named `checkouts`, by
// `swift build` and by Xcode, and it is for the client library alone, which has no path as hot. (Tests: PackageTests.)
let isDependency = Context.packageDirectory.split(separator: "/").dropLast().last == "checkouts"
let speed: [SwiftSetting] =
    isDependency
    ? []
    : [
        .unsafeFlags(
            ["-cross-module-optimization", "-enforce-exclusivity=unchecked"],
            .when(configuration: .release)
        )
    ]

let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .treatAllWarnings(as: .error),
    ] + speed

let package = Package(
    name: "perseid",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "perseid", targets: ["perseid"]),
        .library(name: "PerseidClient", targets: ["PerseidClient"]),
        // For Tests/Fuzz, which is a package of its own; nobody else can count on it.
        .library(
            name: "Decoders",
            targets: [
                "Backplane", "Broker", "Edge", "Hooks", "Hub", "PerseidClient", "Reactor", "Text", "Trust", "Wire",
            ]
        ),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.0.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
    ],
    targets: [
        .target(name: "CReactor", linkerSettings: [.linkedLibrary("uring", .when(platforms: [.linux]))]),
        .systemLibrary(
            name: "CHiredis",
            pkgConfig: "hiredis",
            providers: [.apt(["libhiredis-dev"]), .brew(["hiredis"])]
        ),
        .systemLibrary(
            name: "CCurl",
            pkgConfig: "libcurl",
            providers: [.apt(["libcurl4-openssl-dev"]), .brew(["curl"])]
        ),
        .systemLibrary(
            name: "CZlib",
            pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]
        ),
        .systemLibrary(
            name: "COpenSSL",
            pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"]), .brew(["openssl@3"])]
        ),
        .target(
            name: "CJSON",
            linkerSettings: [.linkedLibrary("simdjson")]
        ),

        .target(name: "Reactor", dependencies: ["CReactor", "Text"], swiftSettings: settings),
        .target(name: "Text", swiftSettings: settings),
        .target(name: "TLS", dependencies: ["COpenSSL"], swiftSettings: settings),
        .target(name: "Wire", dependencies: ["CJSON", "CZlib", "Text"], swiftSettings: settings),
        .target(name: "Broker", dependencies: ["Text"], swiftSettings: settings),
        .target(
            name: "Backplane",
            dependencies: [
                "Broker", "Reactor", "Text", "TLS", "CHiredis",
                .product(name: "DequeModule", package: "swift-collections"),
                // A table that grows a node at a time: one that grows at once stops its thread.
                .product(name: "HashTreeCollections", package: "swift-collections"),
            ],
            resources: [.embedInCode("Functions/perseid.lua")],
            swiftSettings: settings
        ),

        .target(
            name: "Trust",
            dependencies: ["Broker", "Text", .product(name: "JWTKit", package: "jwt-kit")],
            swiftSettings: settings
        ),

        .target(
            name: "Hooks",
            dependencies: [
                "Broker", "Reactor", "Text", "Wire", "CCurl",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: settings
        ),

        .target(
            name: "Hub",
            dependencies: [
                "Wire", "Broker", "Text",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ],
            swiftSettings: settings
        ),

        .target(
            name: "Edge",
            dependencies: [
                "Reactor", "Text", "TLS", "Wire", "Broker", "Hub", "Hooks", "Backplane", "Trust",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ],
            resources: [
                .embedInCode("Resources/openapi.json"), .embedInCode("Resources/perseid.mjs"),
                .embedInCode("Resources/perseid.js"), .embedInCode("Resources/perseid.d.ts"),
                .embedInCode("Resources/demo/host.html"), .embedInCode("Resources/demo/chat.html"),
                .embedInCode("Resources/demo/note.html"), .embedInCode("Resources/demo/ticker.html"),
                .embedInCode("Resources/demo/assistant.html"), .embedInCode("Resources/demo/demo.css"),
                .embedInCode("Resources/demo/frame.mjs"), .embedInCode("Resources/demo/sky.mjs"),
                .embedInCode("Resources/demo/sequence.mjs"),
                .embedInCode("Resources/console/bars.mjs"),
                .embedInCode("Resources/console/channel.mjs"),
                .embedInCode("Resources/console/channels.mjs"),
                .embedInCode("Resources/console/client.mjs"),
                .embedInCode("Resources/console/clients.mjs"),
                .embedInCode("Resources/console/console.css"),
                .embedInCode("Resources/console/console.html"),
                .embedInCode("Resources/console/console.mjs"),
                .embedInCode("Resources/console/dom.mjs"),
                .embedInCode("Resources/console/facts.mjs"),
                .embedInCode("Resources/console/format.mjs"),
                .embedInCode("Resources/console/names.mjs"),
                .embedInCode("Resources/console/node.mjs"),
                .embedInCode("Resources/console/overview.mjs"),
                .embedInCode("Resources/console/problems.mjs"),
                .embedInCode("Resources/console/sparkline.mjs"),
                .embedInCode("Resources/console/tail.mjs"),
                .embedInCode("Resources/console/tiles.mjs"),
            ],
            swiftSettings: settings
        ),

        // The client library. What it speaks is Wire's, what it runs on is Reactor's, and a channel, a position and a cursor are
        // Broker's: a second reader of cursors would come to read them otherwise. All three bring nothing along but system libraries;
        // what its users see of it is its own.
        .target(
            name: "PerseidClient",
            dependencies: ["Broker", "Reactor", "Text", "TLS", "Wire"],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "perseid",
            dependencies: [
                "Edge", "Backplane", "Broker", "Hooks", "PerseidClient", "Reactor", "Text", "TLS", "Trust", "Wire",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings
        ),

        .testTarget(name: "ReactorTests", dependencies: ["CReactor", "Reactor", "TestRandomness", "Text"], swiftSettings: settings),
        .testTarget(name: "TextTests", dependencies: ["Text"], swiftSettings: settings),
        // Makes certificates, for tests.
        .target(
            name: "TestCertificates",
            dependencies: ["TLS"],
            path: "Tests/TestCertificates",
            swiftSettings: settings
        ),
        // Draws the same numbers for the same seed, for tests.
        .target(name: "TestRandomness", path: "Tests/TestRandomness", swiftSettings: settings),
        // Inflates as clients do, for tests.
        .target(
            name: "TestInflater",
            dependencies: ["CZlib"],
            path: "Tests/TestInflater",
            swiftSettings: settings
        ),
        .testTarget(name: "TLSTests", dependencies: ["TLS", "TestCertificates"], swiftSettings: settings),
        .testTarget(name: "WireTests", dependencies: ["TestInflater", "TestRandomness", "Text", "Wire"], swiftSettings: settings),
        .testTarget(
            name: "TrustTests",
            dependencies: ["Broker", "Trust", .product(name: "JWTKit", package: "jwt-kit")],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HooksTests",
            dependencies: ["Broker", "Hooks", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: settings
        ),
        .testTarget(name: "BrokerTests", dependencies: ["Broker", "TestRandomness"], swiftSettings: settings),
        .testTarget(name: "HubTests", dependencies: ["Broker", "Hub", "TestRandomness", "Wire"], swiftSettings: settings),
        .testTarget(name: "BackplaneTests", dependencies: ["Backplane", "Broker", "Reactor", "TestRandomness"], swiftSettings: settings),
        .testTarget(
            name: "SimulationTests",
            dependencies: ["Backplane", "Broker", "Hub", "Reactor", "TestInflater", "Wire"],
            swiftSettings: settings
        ),
        // Counts allocations, for tests.
        .target(name: "CAllocations", path: "Tests/CAllocations"),
        .testTarget(
            name: "EdgeTests",
            dependencies: [
                "CAllocations", "Edge", "Hooks", "Hub", "Backplane", "Broker", "Reactor", "TestCertificates",
                "TestInflater", "TestRandomness",
                "Text", "TLS", "Trust", "Wire",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "PerseidTests",
            dependencies: [
                "Backplane", "Broker", "Edge", "Hooks", "TestCertificates", "TLS", "Trust", "perseid",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "PerseidClientTests",
            dependencies: [
                "Backplane", "Broker", "Edge", "Hub", "PerseidClient", "Reactor", "TestCertificates", "TLS", "Trust",
                "Wire",
            ],
            swiftSettings: settings
        ),
        // The checks of the fuzzers, on the corpus: Tests/Fuzz is a package of its own, and the two share these sources.
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "Backplane", "Broker", "Edge", "Hooks", "Hub", "PerseidClient", "Reactor", "Text", "Trust", "Wire",
            ],
            path: "Tests/Fuzz",
            exclude: ["CLibFuzzer", "Corpus", "Driver", "Package.swift"],
            sources: ["Checks", "FuzzTests"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "Broker", "Backplane", "Hub", "PerseidClient", "Reactor", "TestCertificates", "Text", "TLS", "perseid",
            ],
            exclude: ["Clients"],
            swiftSettings: settings
        ),
    ],
    cxxLanguageStandard: .cxx17
)
