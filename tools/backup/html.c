/* SPDX-License-Identifier: ISC */
#include "html.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/esc.h"

#define TEXT_MAX	65536

void
html_begin(struct html *h, struct buf *out)
{
	*h = (struct html){ .out = out };
	html_raw(h, "<!DOCTYPE html>\n");
}

void
html_raw(struct html *h, const char *text)
{
	if (buf_adds(h->out, text) == -1)
		h->failed = true;
}

static void
put_char(struct html *h, char c)
{
	static const struct { char c; const char *entity; } entities[] = {
		{ '&', "&amp;" }, { '<', "&lt;" }, { '>', "&gt;" },
		{ '"', "&quot;" }, { '\'', "&#39;" },
	};
	size_t i;

	for (i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		if (entities[i].c == c) {
			html_raw(h, entities[i].entity);
			return;
		}
	}
	if (buf_addc(h->out, c) == -1)
		h->failed = true;
}

void
html_text(struct html *h, const char *text)
{
	struct buf b;
	size_t i;

	buf_init(&b, TEXT_MAX);
	if (esc_text(&b, text, strlen(text)) == -1)
		h->failed = true;
	for (i = 0; i < b.len; i++)
		put_char(h, b.data[i]);
	buf_clear(&b);
}

void
html_textf(struct html *h, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(text))
		h->failed = true;
	else
		html_text(h, text);
}

static void
begin_tag(struct html *h, const char *tag, va_list ap)
{
	const char *name;

	html_raw(h, "<");
	html_raw(h, tag);
	while ((name = va_arg(ap, const char *)) != NULL) {
		html_raw(h, " ");
		html_raw(h, name);
		html_raw(h, "=\"");
		html_text(h, va_arg(ap, const char *));
		html_raw(h, "\"");
	}
}

void
html_open(struct html *h, const char *tag, ...)
{
	va_list ap;

	if (h->depth == HTML_DEPTH) {
		h->failed = true;
		return;
	}
	va_start(ap, tag);
	begin_tag(h, tag, ap);
	va_end(ap);
	html_raw(h, ">");
	h->open[h->depth++] = tag;
}

void
html_void(struct html *h, const char *tag, ...)
{
	va_list ap;

	va_start(ap, tag);
	begin_tag(h, tag, ap);
	va_end(ap);
	html_raw(h, " />");
}

void
html_close(struct html *h)
{
	if (h->depth == 0) {
		h->failed = true;
		return;
	}
	html_raw(h, "</");
	html_raw(h, h->open[--h->depth]);
	html_raw(h, ">\n");
}

void
html_elem(struct html *h, const char *tag, const char *class,
    const char *text)
{
	if (class != NULL)
		html_open(h, tag, "class", class, NULL);
	else
		html_open(h, tag, NULL);
	html_text(h, text);
	html_close(h);
}

int
html_end(struct html *h, struct err *e)
{
	if (h->depth != 0)
		h->failed = true;
	return h->failed ? err_set(e, ERR_MEM, "the page is too long, or out "
	    "of memory") : 0;
}
