/** An answer with fewer headers than this says that the peer has no more (protocol §18.5). */
export const FULL_ANSWER_HEADERS = 900
