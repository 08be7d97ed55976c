import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Agent from "../../../src/http/a2a/Agent.ts"

const run = () => Effect.succeed("done")

/** As it may come from JavaScript. */
const made = (fields: object, name: unknown = "poet") =>
  Agent.make(name as string, { description: "Writes verses", run, ...fields })

describe("Agent.make", () => {
  it("fills in what is left out", () => {
    expect(made({})).toMatchObject({
      name: "poet",
      description: "Writes verses",
      version: "1.0.0",
      skills: [{ id: "poet", name: "poet", description: "Writes verses", tags: [] }],
      inputModes: ["text/plain"],
      strictInput: false,
      outputModes: ["text/plain"],
      extensions: [],
      onDisconnect: "keep",
      onShutdown: "finish",
      partialResult: false
    })
    expect(made({ onDisconnect: undefined, onShutdown: undefined, skills: undefined })).toEqual(made({}))
  })

  it("takes each value that a field may have", () => {
    for (const onDisconnect of ["keep", "cancel"]) expect(made({ onDisconnect }).onDisconnect).toBe(onDisconnect)
    for (const onShutdown of ["finish", "cancel"]) expect(made({ onShutdown }).onShutdown).toBe(onShutdown)
    for (const partialResult of [true, false]) expect(made({ partialResult }).partialResult).toBe(partialResult)
  })

  it.each([
    [{ onDisconnect: "drop" }, 'onDisconnect must be "keep" or "cancel", but it is "drop"'],
    [{ onDisconnect: true }, 'onDisconnect must be "keep" or "cancel", but it is true'],
    [{ onDisconnect: "constructor" }, "onDisconnect must be"],
    [{ onDisconnect: null }, "onDisconnect must be"],
    [{ onShutdown: "keep" }, 'onShutdown must be "finish" or "cancel", but it is "keep"'],
    [{ partialResult: "no" }, 'partialResult must be true or false, but it is "no"'],
    [{ description: undefined }, "description must be a text, but it is undefined"],
    [{ version: 2 }, "version must be a text, but it is 2"],
    [{ run: undefined }, "run must be a function, but it is undefined"],
    [{ run: Effect.void }, "run must be a function"],
    [{ inputModes: "text/plain" }, 'inputModes must be an array of texts, but it is "text/plain"'],
    [{ inputModes: [1] }, "inputModes must be an array of texts, but it is [1]"],
    [{ outputModes: {} }, "outputModes must be an array of texts, but it is {}"],
    [{ skills: {} }, "skills must be an array, but it is {}"],
    [{ skills: [{ id: "a", name: "a" }] }, "skills[0].description must be a text, but it is undefined"],
    [{ skills: [{ id: "a", name: "a", description: "a" }, null] }, "skills[1] must be an object, but it is null"],
    [{ extensions: [{ url: "urn:one" }] }, "extensions[0].uri must be a text, but it is undefined"],
    [{ version: 1n }, "version must be a text, but it is 1"]
  ])("refuses %o by the name of the field", (fields, says) => {
    expect(() => made(fields)).toThrow(TypeError)
    expect(() => made(fields)).toThrow(says)
  })

  it("refuses a name that is none", () => {
    for (const name of ["", null, 5]) expect(() => made({}, name)).toThrow("name must be a text")
    expect(() => Agent.make("poet", undefined as never)).toThrow("options must be an object, but it is undefined")
  })
})
