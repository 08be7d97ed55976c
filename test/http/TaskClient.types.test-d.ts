import type * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import { describe, expectTypeOf, it } from "vitest"
import type { TaskCancelled } from "../../src/fibers/TaskCancelled.ts"
import type { TaskOutcome } from "../../src/fibers/TaskOutcome.ts"
import type * as RemoteEvent from "../../src/http/RemoteEvent.ts"
import * as TaskClient from "../../src/http/TaskClient.ts"
import type { TaskClientError } from "../../src/http/TaskClientError.ts"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"

class Broken extends Schema.TaggedError<Broken>()("Broken", {}) {}

const Import = TaskDefinition.make("import-rows", {
  payload: Schema.Struct({ since: Schema.DateTimeUtcFromString }),
  success: Schema.Struct({ rows: Schema.Int }),
  error: Broken,
  progress: Schema.Int,
  output: Schema.Struct({ row: Schema.String }),
  partial: Schema.Array(Schema.String)
})

const Ping = TaskDefinition.make("ping", { success: Schema.Void })

const made = TaskClient.make([Import, Ping], { baseUrl: "http://localhost" })
declare const client: Effect.Success<typeof made>
const imports = client.tasks["import-rows"]

type Event = typeof imports extends TaskClient.TaskCaller<infer D> ? RemoteEvent.RemoteEvent<D> : never

describe("TaskClient", () => {
  it("needs an HttpClient and nothing else", () => {
    expectTypeOf<Effect.Services<typeof made>>().toEqualTypeOf<HttpClient.HttpClient>()
    expectTypeOf<Effect.Error<typeof made>>().toBeNever()
  })

  it("has the names of the definitions as its keys, and no others", () => {
    expectTypeOf<keyof typeof client.tasks>().toEqualTypeOf<"import-rows" | "ping">()
    // @ts-expect-error nothing is defined by that name
    void client.tasks.export
  })

  it("the payload is the decoded one of the definition", () => {
    expectTypeOf(imports.start).parameter(0).toEqualTypeOf<typeof Import.payload.Type>()
    expectTypeOf(client.tasks.ping.run).parameter(0).toEqualTypeOf<{}>()
    // @ts-expect-error the text of a date is no date
    void imports.start({ since: "2026-01-01" })
  })

  it("the outcome has the success, the error and the partial result of the definition", () => {
    expectTypeOf(imports.run).returns.toEqualTypeOf<
      Effect.Effect<TaskOutcome<{ readonly rows: number }, Broken, ReadonlyArray<string>>, TaskClientError>
    >()
    expectTypeOf(imports.get("x").await).toEqualTypeOf<ReturnType<typeof imports.run>>()
    expectTypeOf(client.tasks.ping.run).returns.toEqualTypeOf<
      Effect.Effect<TaskOutcome<void, never, never>, TaskClientError>
    >()
  })

  it("a call and a join have the value, and fail with the error, with a cancel, or with what befell the call", () => {
    expectTypeOf(imports.call).returns.toEqualTypeOf<
      Effect.Effect<{ readonly rows: number }, Broken | TaskCancelled | TaskClientError>
    >()
    expectTypeOf(imports.get("x").join).toEqualTypeOf<ReturnType<typeof imports.call>>()
  })

  it("events carry the values of the definition; what it never says has no event", () => {
    const watch = imports.get("x").watch()
    expectTypeOf<Stream.Success<typeof watch>>().toEqualTypeOf<Event>()
    expectTypeOf<Stream.Error<typeof watch>>().toEqualTypeOf<TaskClientError>()
    expectTypeOf<Extract<Event, { _tag: "Progress" }>["value"]>().toEqualTypeOf<number>()
    expectTypeOf<Extract<Event, { _tag: "Output" }>["value"]>().toEqualTypeOf<{ readonly row: string }>()
    expectTypeOf<Extract<Event, { _tag: "Completed" }>["value"]>().toEqualTypeOf<{ readonly rows: number }>()
    expectTypeOf<Extract<Event, { _tag: "Failed" }>["cause"]>().toEqualTypeOf<Cause.Cause<Broken>>()
    expectTypeOf<Extract<Event, { _tag: "Cancelled" }>["partial"]>().toEqualTypeOf<ReadonlyArray<string> | undefined>()
    const pings = client.tasks.ping.get("x").watch()
    expectTypeOf<Stream.Success<typeof pings>["_tag"]>().toEqualTypeOf<
      "Started" | "CancelRequested" | "Straggling" | "Resync" | "Completed" | "Failed" | "Cancelled"
    >()
  })

  it("a watch goes on behind any event that was seen, or behind its two numbers", () => {
    expectTypeOf(imports.get("x").watch).toBeCallableWith({ after: { attempt: 1, seq: 3 } })
    expectTypeOf(imports.get("x").watch).toBeCallableWith({ after: {} as Event })
  })
})
