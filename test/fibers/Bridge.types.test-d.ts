import type * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import * as http from "node:http"
import * as net from "node:net"
import { PassThrough } from "node:stream"
import { describe, expectTypeOf, it } from "vitest"
import * as Bridge from "../../src/fibers/Bridge.ts"
import * as NodeResource from "../../src/fibers/NodeResource.ts"

class Pool extends Context.Service<Pool, { readonly size: number }>()("types/Pool") {}

describe("Bridge", () => {
  it("fromPromise infers value, error and services", () => {
    expectTypeOf(Bridge.fromPromise(() => Promise.resolve(1))).toEqualTypeOf<
      Effect.Effect<number, Cause.UnknownError>
    >()
    expectTypeOf(Bridge.fromPromise(() => Promise.resolve(1), { mode: "abandon" })).toEqualTypeOf<
      Effect.Effect<number, Cause.UnknownError>
    >()
    expectTypeOf(
      Bridge.fromPromise(() => Promise.resolve(1), {
        catch: () => "no" as const,
        onLate: (value) => Effect.succeed(value + 1)
      })
    ).toEqualTypeOf<Effect.Effect<number, "no">>()
    expectTypeOf(
      Bridge.fromPromise((signal) => Promise.resolve(signal), {
        onLate: (signal) =>
          Effect.andThen(
            Pool,
            Effect.acquireRelease(Effect.succeed(signal.aborted), () => Effect.void)
          )
      })
    ).toEqualTypeOf<Effect.Effect<AbortSignal, Cause.UnknownError, Pool>>()
    // @ts-expect-error only a promise is waited for
    void Bridge.fromPromise(() => 1)
    // @ts-expect-error no such mode
    void Bridge.fromPromise(() => Promise.resolve(1), { mode: "forget" })
  })

  it("fromCallback infers from resume and its options", () => {
    expectTypeOf(Bridge.fromCallback<number, string>((resume) => resume(Effect.succeed(1)))).toEqualTypeOf<
      Effect.Effect<number, string>
    >()
    expectTypeOf(
      Bridge.fromCallback<number, never, Pool>((resume) => resume(Effect.map(Pool, ({ size }) => size)))
    ).toEqualTypeOf<Effect.Effect<number, never, Pool>>()
  })

  it("stopOnCancel joins the channels of its parts, without a scope", () => {
    expectTypeOf(
      Bridge.stopOnCancel(
        Effect.as(Effect.fail("acquire" as const), 1),
        (value) =>
          value > 0
            ? Effect.fail("use" as const)
            : Effect.as(
                Effect.addFinalizer(() => Effect.void),
                true
              ),
        () => Effect.andThen(Pool, Effect.fail("stop" as const))
      )
    ).toEqualTypeOf<Effect.Effect<boolean, "acquire" | "use", Pool>>()
  })
})

const use = <T extends NodeResource.Destroyable>(make: () => T) =>
  NodeResource.use(Effect.sync(make), (resource) => Effect.succeed(resource))

describe("NodeResource", () => {
  it("takes what Node has", () => {
    expectTypeOf(use(() => new net.Socket())).toEqualTypeOf<Effect.Effect<net.Socket, NodeResource.ResourceFailed>>()
    void use(() => net.createServer())
    void use(() => http.createServer())
    void use(() => http.request("http://localhost"))
    void use(() => new PassThrough())
    // @ts-expect-error an object of no use
    void use(() => ({ destroy: () => {} }))
  })

  it("fromReadable is bytes that may fail, unless told otherwise", () => {
    expectTypeOf(NodeResource.fromReadable(() => new PassThrough())).toEqualTypeOf<
      Stream.Stream<Uint8Array, Cause.UnknownError>
    >()
    expectTypeOf(
      NodeResource.fromReadable<string, "disk">(() => new PassThrough(), { catch: () => "disk" })
    ).toEqualTypeOf<Stream.Stream<string, "disk">>()
  })
})
