"""What is known of a language beforehand: light words, shorthand, synonyms, endings,
and how to tell it.

A language without a table works too: its words are compared as they are.
All words are written as `segue.understanding.tokens.fold` leaves them: small letters, no accents,
no apostrophes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in text.replace("\n", ",").split(",") if pair.strip())


def _same(text: str) -> dict[str, str]:
    lines = [line.split() for line in text.splitlines() if line.strip()]
    return {word: line[0] for line in lines for word in line}


LIGHT: Final[Mapping[str, frozenset[str]]] = {
    "en": _words(
        """
        a am an and any are as at be been but by can could did do does doing for from get gets
        getting go going got had has have he her here him his i if im in into is it its ive just
        let like ma may me might mine my need no not now of off on one ok okay or our out over
        please really shall she should so some than that thats the their them then there these
        they thing things this those to too up us very want wants was we well were will with
        would yeah yes you your yours zip postcode
        """
    ),
    "de": _words(
        """
        aber als am an auch auf aus bei bin bist bitte da das dass dem den denn der des die dies
        diese diesen dieser dieses doch dir dich du ein eine einem einen einer eines er es euch
        euer eure etwas gerade gibt habe haben hab habt hat hatte hier ich ihr im in ins ist ja
        kann kannst konnen konnt mal man mein meine meinem meinen meiner mich mir mit mochte
        muss musse nach nein nicht noch nun nur oder schon sein seine sie sind so soll uber um
        und uns unser von vor werde werden will wird wir wurde zum zur plz postleitzahl
        """
    ),
}
"""Words that say little about what is wanted."""

SHORTHAND: Final[Mapping[str, Mapping[str, str]]] = {
    "en": _pairs(
        """
        2=to,2day=today,2moro=tomorrow,2morrow=tomorrow,4=for,abt=about,asap=quickly,b4=before
        bc=because,cya=see you,del=delivery,gimme=give me,gonna=going to,gr8=great,gud=good
        hav=have,hw=how,lemme=let me,msg=message,nite=night,ordr=order,pkg=package,pls=please
        plz=please,ppl=people,r=are,smth=something,smthg=something,smthng=something,sth=something
        tho=though,thx=thanks,tks=thanks,tmr=tomorrow,tmrw=tomorrow,tnx=thanks,ty=thank you
        tysm=thank you,u=you,ur=your,w=with,wanna=want to,wat=what,wen=when,yr=your
        whats=what is,whens=when is,wheres=where is,whos=who is,hows=how is,youre=you are
        wont=will not,cant=can not,dont=do not,doesnt=does not,didnt=did not,hasnt=has not
        havent=have not,isnt=is not,wasnt=was not,wouldnt=would not
        """
    ),
    "de": _pairs(
        """
        bidde=bitte,bt=bitte,haste=hast du,kannste=kannst du,lg=gruss,mfg=gruss,nich=nicht
        nix=nichts,pkt=paket,thx=danke,vlt=vielleicht,vllt=vielleicht,wg=wegen,wieviel=wie viel
        wiviel=wie viel
        """
    ),
}
"""How people shorten words when they type with their thumbs."""

SAME: Final[Mapping[str, Mapping[str, str]]] = {
    "en": _same(
        """
        parcel package packet shipment
        shop store
        shipping postage
        repair fix mend
        bot robot chatbot
        person human
        call ring phone telephone
        buy purchase
        broken damaged defective faulty
        colour color
        trousers pants
        invoice bill
        voucher coupon
        warranty guarantee
        exchange swap
        address adress
        large big
        hello hi hey hiya
        annoying annoyed
        cheap inexpensive
        mail email emails
        job position vacancy
        mistake error
        complain complaint
        stupid dumb
        stuff things
        """
    ),
    "de": _same(
        """
        paket packchen sendung
        laden geschaft filiale shop
        versand versenden
        reparieren flicken
        bot roboter chatbot
        mensch person
        anrufen telefonieren
        kaputt defekt beschadigt
        hose hosen
        rechnung beleg quittung
        umtauschen tauschen
        zuruckschicken zurucksenden
        adresse anschrift
        mail email emails
        stelle job
        fehler irrtum
        offen geoffnet
        bezahlen zahlen
        blod dumm doof
        """
    ),
}
"""Words that customers use for one thing: each becomes the first of its line."""

ENDINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("ings", "ing", "edly", "ied", "ies", "ed", "es", "s", "e", "y"),
    "de": (
        *("ungen", "ung", "enden", "ende", "est"),
        *("en", "em", "er", "es", "et", "st", "e", "t", "n", "s"),
    ),
}
"""What grammar puts at the end of a word, longest first."""

SIGNS: Final[Mapping[str, frozenset[str]]] = {
    "en": _words(
        """
        a about account address and are back broken can cancel cant change complaint delivery
        did discount do does dont english exchange for from goodbye has have hello help hey hours
        how human i invoice is it its jacket late long money much my need not of open opening order
        ordered paid parcel password pay payment please price refund repair return send shipping
        shop size sizes stuff thank thanks that the there these they this to track tracking want
        warranty was what when where which who will with would yes you your
        """
    ),
    "de": _words(
        """
        abbrechen aber adresse andern auf bei bekomme beschwerde bestellt bestellung bin bist
        bitte bleibt danke das dein deine den deutsch der dich die dir du ein eine einen erstattung
        es euch fur garantie gekommen gerne geschaft gibt grosse gruss guten gutschein habe haben
        habt hallo hat heute hilfe ich ihr ist ja kann kaputt kein keine konnen konto kostet
        kundenservice laden lieferadresse liefern lieferung lieferzeit machen mein meine meinen
        mensch mich mir mit mitarbeiter mochte moin morgen muss nach nein nicht noch nur oder
        offnungszeiten paket passwort rabatt rechnung reklamation reparatur retoure rucksendung
        schicken schon sendung sendungsverfolgung servus sie sind stornieren storno tag tschuss
        umtausch umtauschen und uns verfolgen versand versandkosten vielen von wann ware warum
        was wie wieso will wir wo zahlen zahlungsarten zu zum zur zuruck zuruckgeben
        zuruckschicken
        """
    ),
    "fr": _words(
        """
        avec bonjour ce colis combien commande comment dans de des est et je la le les livraison
        ma mais merci mon ne nous ou par pas pour que qui retour salut suis sur un une vous
        """
    ),
    "es": _words(
        """
        buenos como con cuando cuanto de del devolver dias donde el en envio es esta gracias
        hola la las lo los me mi no paquete para pedido pero por que quiero si un una yo
        """
    ),
    "it": _words(
        """
        buongiorno che ciao come con consegna cosa di dove e grazie ho il io la le mi mia mio
        non ordine pacco per quando quanto restituire sono un una vorrei
        """
    ),
    "nl": _words(
        """
        bestelling dank de een en goedemorgen graag hallo het hoe ik is kan komt maar met mijn
        niet of op pakket retour terug van voor waar wanneer wat wil zijn
        """
    ),
}
"""Words by which a language is told from others."""
