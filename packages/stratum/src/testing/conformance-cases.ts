/**
 * The 148 cases of stratum §11, by where each is covered: `session` by the files `conformance-*.test.ts`, which check
 * that they have them all; `tcp` by the file of that name beside the server; `later` says why there is no test here.
 */
export const CONFORMANCE_CASES = {
  session:
    'A3 A5 A9 A10 A13 A14 A15 A16 ' +
    'B1 B2 B3 B4 B6 B8 B10 B11 B12 B13 B14 B15 B16 B17 B18 B19 B20 B21 B22 B23 B24 B25 B26 B27 B28 B29 B30 B31 B32 ' +
    'B33 B34 B35 B36 B37 B38 B39 B40 ' +
    'C1 C2 C3 C4 C5 C6 C7 C8 C9 C10 C11 C12 C13 C14 ' +
    'D1 D2 D3 D4 D5 D6 D7 D8 D9 D10 D11 D12 D13 ' +
    'E1 E2 E3 E4 E5 E6 E7 E8 E9 E10 E11 E12 E13 E14 E15 E16 E17 E18 E19 E20 E21 E22 E23 E24 E25 E26 E27 E28 E29 E30 ' +
    'E31 E32 E33 E34 E35 E36 ' +
    'F1 F2 F3 F4 F5 F6 F7 F8 F9 F10 F14 F15 F16 F17 F18 F19 F20 F22',
  tcp: 'A1 A2 A4 A6 A7 A8 A11 A12 A17 A18 B5 B7 F12 F13 F23 F24',
  later: {
    B9: 'who keeps sessions keeps what they leave: the tests of the node machine resume them',
    D14: 'whole coinbases are made in the node machine, and its tests of the size rule have this',
    D15: 'as D14: that bound is only reported, so there is a warning and no cut; the start difficulty for NiceHash is tested with the start profiles',
    D16: 'coalescing of templates is the node machine',
    F11: 'an outage of the bitcoin node is the node machine and the template feed',
    F21: 'sums over workers are the node machine, from the facts a session reports'
  }
} as const
