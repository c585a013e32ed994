/* doctor_text.h: what the doctor found, for people and for programs. */
#ifndef AGENT_DOCTOR_TEXT_H
#define AGENT_DOCTOR_TEXT_H

#include "agent/cli/text.h"
#include "agent/doctor/doctor.h"

/* Append; buf_ok() tells whether memory sufficed. */
void doctor_text(const struct doctor *d, const struct text_style *style, struct buf *out);
void doctor_json(const struct doctor *d, struct buf *out);

#endif
