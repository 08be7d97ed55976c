/** Definitions that say what their schemas, or JSON, cannot: an outcome, and its event, instead of a crash. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"
import { names } from "./follow.ts"
import { wait } from "./probes.ts"
import { serving } from "./serving.ts"

const places = ["success", "error", "progress", "output", "partial"] as const

describe("a task whose value cannot be encoded", () => {
  for (const place of places) {
    it.live(`fails in all streams when its ${place} cannot be, and the server works on`, () =>
      serving({ tasks: [wait, ...unsayable.map((told) => told.at(place))] }, (site) =>
        Effect.forEach(unsayable, ({ name }) =>
          Effect.gen(function* () {
            yield* site.post(`/tasks/${place}-${name}?id=${name}`, {})
            const followers = [yield* site.follow(name), yield* site.follow(name)]
            for (const follower of followers) {
              const events = yield* follower.ended
              expect([name, ...names(events)]).toEqual([name, "started", "failed"])
              expect(events[1]!.data.error).toEqual({ title: "Internal error" })
            }
            const view = yield* site.get(`/tasks/${name}`)
            expect(view.json).toMatchObject({ state: "failed", outcome: { error: { title: "Internal error" } } })
            expect((yield* site.get("/tasks")).status).toBe(200)
            // The causes are for the log.
            expect(site.log.filter((line) => line.includes(`"${place}-${name}`)).length).toBeGreaterThan(0)
            expect((yield* site.get(`/tasks/${name}/events`)).text).not.toContain("secret")
          })
        )
      )
    )
  }

  it.live("a payload that cannot be told back is an error of the server, and starts nothing", () =>
    serving({ tasks: [throwing("payload")] }, (site) =>
      Effect.gen(function* () {
        const answer = yield* site.request("/tasks/payload-throws", {
          method: "POST",
          body: '"x"',
          headers: { "content-type": "application/json" }
        })
        expect([answer.status, answer.json.type]).toEqual([500, "urn:rescind:problem:internal"])
        expect(answer.text).not.toContain("secret")
        expect(yield* site.tasks.list).toEqual([])
      })
    )
  )

  it.live("nothing is nothing in JSON too", () =>
    serving({ tasks: [TaskDefinition.make("nothing", { success: Schema.Any }).of(() => Effect.void)] }, (site) =>
      Effect.gen(function* () {
        yield* site.post("/tasks/nothing?id=n", {})
        const events = yield* (yield* site.follow("n")).ended
        expect(events.at(-1)!.data).toMatchObject({ value: null })
      })
    )
  )
})

const encodeThrows = Schema.String.pipe(
  Schema.decodeTo(Schema.String, {
    decode: SchemaGetter.passthrough(),
    encode: SchemaGetter.transform((): string => {
      throw new Error("secret")
    })
  })
)

const throwing = (place: "payload") =>
  TaskDefinition.make(`${place}-throws`, { [place]: encodeThrows, success: Schema.Any }).of(() => Effect.void)

const circular: Record<string, unknown> = {}
circular["self"] = circular

const deep = () => {
  let value: unknown = "secret"
  for (let depth = 0; depth < 50_000; depth++) value = [value]
  return value
}

const cases: ReadonlyArray<readonly [name: string, schema: TaskDefinition.AnyCodec, value: unknown]> = [
  ["broken", Schema.Int, 1.5],
  ["other", Schema.String, 7],
  ["throws", encodeThrows, "x"],
  ["circle", Schema.Any, circular],
  ["bigint", Schema.Any, 1n],
  ["function", Schema.Unknown, () => "secret"],
  [
    "tojson",
    Schema.Any,
    {
      toJSON: () => {
        throw new Error("secret")
      }
    }
  ],
  ["deep", Schema.Any, deep()]
]

const unsayable = cases.map(([name, schema, value]) => ({
  name,
  at: (place: (typeof places)[number]) =>
    TaskDefinition.make(`${place}-${name}`, { success: Schema.Any, [place]: schema }).of((_, self) => {
      switch (place) {
        case "success":
          return Effect.succeed(value)
        case "error":
          return Effect.fail(value as never)
        case "progress":
        case "output":
        case "partial":
          // What it says is the only thing that can end it.
          return Effect.andThen(self[place](value as never), Effect.never)
      }
    })
}))
