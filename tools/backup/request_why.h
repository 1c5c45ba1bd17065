/* SPDX-License-Identifier: ISC */
/*
 * request_why: the grammars of values that request.h lists. Pure. Each says
 * what is wrong with value, in words that follow its name ("is empty"); NULL:
 * nothing is.
 */
#ifndef POSTERN_REQUEST_WHY_H
#define POSTERN_REQUEST_WHY_H

const char *request_name_why(const char *value);
const char *request_snapshot_why(const char *value);
const char *request_since_why(const char *value);
const char *request_text_why(const char *value);
const char *request_rsync_why(const char *value);
const char *request_port_why(const char *value);
const char *request_key_why(const char *value);
const char *request_user_why(const char *value);
const char *request_match_why(const char *value);
const char *request_age_why(const char *value);
const char *request_sample_why(const char *value);
const char *request_beat_why(const char *value);

#endif
