import { describe, expect, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as TaskDefinition from "../../src/http/TaskDefinition.ts"

describe("TaskDefinition", () => {
  it("what is left out: no payload fields, no failure, nothing said, clients may leave, 1,024 events kept", () => {
    const definition = TaskDefinition.make("a", { success: Schema.String })
    expect(definition).toMatchObject({
      name: "a",
      description: undefined,
      onDisconnect: "keep",
      history: 1024,
      cancel: {}
    })
    expect(Schema.decodeUnknownSync(definition.payload)({})).toEqual({})
    for (const schema of [definition.error, definition.progress, definition.output, definition.partial]) {
      expect(Schema.is(schema)("x")).toBe(false)
    }
  })

  it("a name that cannot stand in a URL is refused where it is written", () => {
    for (const name of ["", "a b", "a/b", "ä", "a?b", "x".repeat(65)]) {
      expect(() => TaskDefinition.make(name, { success: Schema.Void })).toThrow("it stands in URLs")
    }
    expect(TaskDefinition.make("Fetch_page.v2-beta", { success: Schema.Void }).name).toBe("Fetch_page.v2-beta")
  })
})
