import { describe, expect, it } from "@effect/vitest"
import { read, valueOf } from "./exposition.ts"

const histogram = (lines: string) => `# HELP h h\n# TYPE h histogram\n${lines}`

describe("exposition", () => {
  it("reads values by name and labels", () => {
    const text = '# HELP a_total b\\nc\n# TYPE a_total counter\na_total{x="1\\n\\"\\\\",y="}"} 2\na_total 3e-7\n'
    expect(valueOf(text, "a_total", { y: "}", x: '1\n"\\' })).toBe(2)
    expect(valueOf(text, "a_total")).toBe(3e-7)
    expect(valueOf(text, "a_total", { y: "}" })).toBeUndefined()
    expect(read(histogram('h_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n')).size).toBe(1)
  })

  it.each([
    ["no end of the last line", "# HELP a a\n# TYPE a gauge\na 1"],
    ["no help", "# TYPE a gauge\na 1\n"],
    ["no type", "a 1\n"],
    ["an unknown type", "# HELP a a\n# TYPE a number\na 1\n"],
    ["a sample of another family", "# HELP a a\n# TYPE a gauge\nb 1\n"],
    ["a family in two places", "# HELP a a\n# TYPE a gauge\na 1\n# HELP a a\n# TYPE a gauge\n"],
    ["a series twice", '# HELP a a\n# TYPE a gauge\na{x="1",y="2"} 1\na{y="2",x="1"} 1\n'],
    ["a quote that is not escaped", '# HELP a a\n# TYPE a gauge\na{x="1"2"} 1\n'],
    ["an escape that is none", '# HELP a a\n# TYPE a gauge\na{x="\\d"} 1\n'],
    ["a bad name of a label", '# HELP a a\n# TYPE a gauge\na{x.y="1"} 1\n'],
    ["a label twice", '# HELP a a\n# TYPE a gauge\na{x="1",x="2"} 1\n'],
    ["no number", "# HELP a a\n# TYPE a gauge\na undefined\n"],
    ["a counter without its ending", "# HELP a a\n# TYPE a counter\na 1\n"],
    ["a negative counter", "# HELP a_total a\n# TYPE a_total counter\na_total -1\n"],
    ["buckets that fall", histogram('h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n')],
    [
      "limits that fall",
      histogram('h_bucket{le="2"} 0\nh_bucket{le="1"} 0\nh_bucket{le="+Inf"} 0\nh_sum 1\nh_count 0\n')
    ],
    ["no last bucket", histogram('h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n')],
    ["another count than that of the last bucket", histogram('h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n')],
    ["no sum", histogram('h_bucket{le="+Inf"} 1\nh_count 1\n')]
  ])("refuses %s", (_, text) => {
    expect(() => read(text)).toThrow(Error)
  })
})
