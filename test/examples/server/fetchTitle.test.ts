import { describe, expect, it } from "vitest"
import { titleOf } from "../../../src/examples/server/fetchTitle.ts"

const html = (text: string, type = "text/html", encoding: BufferEncoding = "utf8"): string | null =>
  titleOf(Buffer.from(text, encoding), type)

describe("titleOf", () => {
  it("reads the title of HTML only", () => {
    expect(html("<TITLE lang=en>One\n  two</TITLE>")).toBe("One two")
    expect(html("<title>One</title>", "application/xhtml+xml; charset=utf-8")).toBe("One")
    expect(html("<title>One</title>", "text/plain")).toBeNull()
    expect(html("<title>One</title>", "text/html-like")).toBeNull()
    expect(titleOf(Buffer.from("<title>One</title>"), undefined)).toBeNull()
  })

  it("gives null where there is no title or an empty one", () => {
    expect(html("<h1>One</h1>")).toBeNull()
    expect(html("<title> &nbsp; </title>")).toBeNull()
    expect(html("<titles>One</titles>")).toBeNull()
  })

  it("decodes character references and leaves unknown ones", () => {
    expect(html("<title>&lt;a&gt; &amp; &#233;&#xE9; &quot;&apos; &bogus; &#x110000;</title>")).toBe(
      `<a> & éé "' &bogus; &#x110000;`
    )
  })

  it("decodes with the charset of the content type, and unknown charsets as UTF-8", () => {
    expect(html("<title>é</title>", "text/html; charset=ISO-8859-1", "latin1")).toBe("é")
    expect(html("<title>é</title>", 'text/html;charset="nonsense"')).toBe("é")
    expect(html("<title>é</title>")).toBe("é")
  })

  it("cuts a long title", () => {
    expect(html(`<title>${"x".repeat(1000)}</title>`)).toHaveLength(300)
  })
})
